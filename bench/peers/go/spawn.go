// Life and death of goroutines, and what an idle one costs.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"sync"
	"time"
)

const batch = 100000

// spawnExit waits for the end of each goroutine before it starts the next one.
func spawnExit(count int) {
	took := measure(count, func(count int) {
		done := make(chan int, 1)
		for i := 0; i < count; i++ {
			go func() { done <- i }()
			check(<-done == i, "goroutine")
		}
	})
	perItem("spawn_exit", took, count)
}

func spawnBatch(count int) {
	rounds := atLeastOne(count / batch)
	took := measure(rounds, func(rounds int) {
		for i := 0; i < rounds; i++ {
			var running sync.WaitGroup
			running.Add(batch)
			for j := 0; j < batch; j++ {
				go running.Done()
			}
			running.Wait()
		}
	})
	perItem("spawn_batch", took, rounds*batch)
}

// idle starts `count` servers that wait for a request, and has some of them answer. The
// table that holds them (8 bytes a server) is allowed for.
func idle(count int) {
	servers := make([]chan request, count)
	runtime.GC()
	before := resident()
	start := time.Now()
	for i := range servers {
		servers[i] = startServer()
	}
	took := time.Since(start)
	reply := make(chan int, 1)
	for i := 0; i < count; i += 1000 {
		servers[i] <- request{7, reply}
		check(<-reply == 8, "reply")
	}
	runtime.GC()
	fmt.Printf("idle_start %.4f us\n", float64(took.Nanoseconds())/1000/float64(count))
	fmt.Printf("idle_bytes %.1f B\n", float64(resident()-before)/float64(count)-8)
	runtime.KeepAlive(servers)
}

func resident() int {
	statm, err := os.ReadFile("/proc/self/statm")
	check(err == nil, "statm")
	var size, pages int
	fmt.Sscan(string(statm), &size, &pages)
	return pages * os.Getpagesize()
}

// restart: Go has no supervisor; a goroutine that panics is caught by a deferred
// function, which tells the one that starts the next.
func restart(count int) {
	took := crashMany(atLeastOne(count/10), nil)
	took = crashMany(count, took[:0])
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	fmt.Printf("restart %.4f us\n", float64(took[len(took)/2].Nanoseconds())/1000)
}

func crashMany(count int, took []time.Duration) []time.Duration {
	crashes, died, up := make(chan int, 1), make(chan any, 1), make(chan int, 1)
	go supervise(crashes, died, up)
	<-up
	for i := 0; i < count; i++ {
		start := time.Now()
		crashes <- i
		<-up
		took = append(took, time.Since(start))
	}
	close(crashes)
	return took
}

func supervise(crashes chan int, died chan any, up chan int) {
	for {
		go child(crashes, died, up)
		if <-died == nil {
			return
		}
	}
}

func child(crashes chan int, died chan any, up chan int) {
	defer func() { died <- recover() }()
	up <- 1
	for crash := range crashes {
		panic(crash + 1)
	}
}
