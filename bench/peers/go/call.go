// Calls: one server, many servers by name.
package main

import (
	"strconv"
	"sync"
)

const named = 10000

type request struct {
	number int
	reply  chan int
}

// startServer starts a server that answers every number with the next one.
func startServer() chan request {
	requests := make(chan request, 1)
	go serve(requests)
	return requests
}

func serve(requests chan request) {
	for request := range requests {
		request.reply <- request.number + 1
	}
}

func call(name string, count int) {
	server := startServer()
	took := measure(count, func(count int) {
		reply := make(chan int, 1)
		for i := 0; i < count; i++ {
			server <- request{i, reply}
			check(<-reply == i+1, "reply")
		}
	})
	perItem(name, took, count)
}

// registry maps names to servers, as a program with many of them would.
type registry struct {
	sync.RWMutex
	servers map[string]chan request
}

func (r *registry) lookup(name string) chan request {
	r.RLock()
	defer r.RUnlock()
	return r.servers[name]
}

func namedCall(count int) {
	registry := &registry{servers: map[string]chan request{}}
	names := make([]string, named)
	for i := range names {
		names[i] = "server_" + strconv.Itoa(i)
		registry.servers[names[i]] = startServer()
	}
	took := measure(count, func(count int) {
		reply := make(chan int, 1)
		seed := uint32(42)
		for i := 0; i < count; i++ {
			registry.lookup(names[seed/8%named]) <- request{i, reply}
			check(<-reply == i+1, "reply")
			seed = random(seed)
		}
	})
	perItem("named_call", took, count)
}
