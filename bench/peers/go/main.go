// The cases of bench/ on Go: goroutines and channels. `bench CASE [COUNT]` prints
// `case value unit` lines. A server is a goroutine that ranges over its channel; a call
// carries a channel for the reply.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

// How many messages a channel holds before its sender waits: Go has no unlimited one. Of
// 32 to 65,536 places 64 were the fastest here.
const mailbox = 64

var cases = map[string]func(count int){
	"call_2s":        func(count int) { call("call_2s", count) },
	"call_1s":        func(count int) { call("call_1s", count) },
	"named_call":     namedCall,
	"cast_1_1":       func(count int) { castSmall("cast_1_1", count, 1) },
	"fan_in":         func(count int) { castSmall("fan_in", count, senders) },
	"payload_64k":    payload64k,
	"payload_1k":     payload1k,
	"ping_pong":      pingPong,
	"ring":           ring,
	"big":            big,
	"broadcast":      broadcast,
	"growth":         growth,
	"spawn_exit":     spawnExit,
	"spawn_batch":    spawnBatch,
	"idle":           idle,
	"restart":        restart,
	"timer_cancel":   timerCancel,
	"timer_lateness": timerLateness,
}

func main() {
	count := 100000
	if len(os.Args) > 2 {
		count, _ = strconv.Atoi(os.Args[2])
	}
	if len(os.Args) < 2 || cases[os.Args[1]] == nil || count < 1 {
		fmt.Fprintln(os.Stderr, "usage: bench CASE [COUNT]")
		os.Exit(2)
	}
	runtime.GOMAXPROCS(2)
	if os.Args[1] == "call_1s" {
		runtime.GOMAXPROCS(1)
	}
	cases[os.Args[1]](count)
}

// measure runs the work with a tenth of the count as warm-up, then for the record.
func measure(count int, work func(count int)) time.Duration {
	work(atLeastOne(count / 10))
	runtime.GC()
	start := time.Now()
	work(count)
	return time.Since(start)
}

func perItem(name string, took time.Duration, count int) {
	fmt.Printf("%s %.4f ns\n", name, float64(took.Nanoseconds())/float64(count))
}

func perSecond(name string, took time.Duration, count int) {
	fmt.Printf("%s %.4f M/s\n", name, float64(count)*1000/float64(took.Nanoseconds()))
}

func check(ok bool, what string) {
	if !ok {
		fmt.Fprintln(os.Stderr, "wrong:", what)
		os.Exit(1)
	}
}

func atLeastOne(n int) int {
	if n < 1 {
		return 1
	}
	return n
}

// random gives the next number of a linear congruential sequence, the same in every peer.
func random(seed uint32) uint32 {
	return (seed*1103515245 + 12345) & 0x7fffffff
}
