// Package ttlmap stands in for the module of that name, which not every Go module proxy serves.
// Plakar keeps the signed URLs of its web interface in such a map; backups and restores never
// come here.
package ttlmap

import (
	"sync"
	"time"
)

type entry[V any] struct {
	value   V
	expires time.Time
}

// Map forgets what was added longer ago than its time to live.
type Map[K comparable, V any] struct {
	lock    sync.Mutex
	ttl     time.Duration
	entries map[K]entry[V]
}

func New[K comparable, V any](ttl time.Duration) *Map[K, V] {
	return &Map[K, V]{ttl: ttl, entries: map[K]entry[V]{}}
}

func (m *Map[K, V]) AutoExpire() {}

func (m *Map[K, V]) Add(key K, value V) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.entries[key] = entry[V]{value, time.Now().Add(m.ttl)}
}

func (m *Map[K, V]) Get(key K) (V, bool) {
	m.lock.Lock()
	defer m.lock.Unlock()
	found, ok := m.entries[key]
	if ok && time.Now().After(found.expires) {
		delete(m.entries, key)
		ok = false
	}
	if !ok {
		var none V
		return none, false
	}
	return found.value, true
}

func (m *Map[K, V]) Delete(key K) {
	m.lock.Lock()
	defer m.lock.Unlock()
	delete(m.entries, key)
}
