// What tests/servers/install-plakar builds. One dependency is replaced by a stand-in of ours,
// because not every Go module proxy serves it; see ttlmap/.
module pgcask.invalid/plakar-for-tests

go 1.25.0

require github.com/PlakarKorp/plakar v1.1.4

replace go.omarpolo.com/ttlmap => ./ttlmap
