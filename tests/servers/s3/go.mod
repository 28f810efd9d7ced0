module pgcask.invalid/s3-for-tests

go 1.24.0

require github.com/PlakarKorp/integration-s3 v1.1.0-beta.5
