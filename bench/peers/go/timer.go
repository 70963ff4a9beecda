// Timers: what one costs among a million, and how late they come.
package main

import (
	"fmt"
	"sort"
	"time"
)

const (
	alive           = 1000000
	timersPerSecond = 50000
)

// far lies between ten and twenty minutes, so that none of these timers comes.
func far(seed uint32) time.Duration {
	return time.Duration(600000+seed%600000) * time.Millisecond
}

// timerCancel cancels the oldest of a million timers and arms one in its stead.
func timerCancel(count int) {
	seed := uint32(42)
	timers := make([]*time.Timer, alive)
	for i := range timers {
		timers[i] = time.AfterFunc(far(seed), func() {})
		seed = random(seed)
	}
	oldest := 0
	took := measure(count, func(count int) {
		for i := 0; i < count; i++ {
			check(timers[oldest].Stop(), "timer was alive")
			timers[oldest] = time.AfterFunc(far(seed), func() {})
			seed = random(seed)
			oldest = (oldest + 1) % alive
		}
	})
	perItem("timer_cancel", took, count)
}

// timerLateness arms timers of whole milliseconds, spread evenly, after half a second
// for the arming, and has one goroutine receive them all.
func timerLateness(count int) {
	spread := uint32(atLeastOne(count * 1000 / timersPerSecond))
	inbox := make(chan time.Time, mailbox)
	go func() {
		seed := uint32(42)
		for i := 0; i < count; i++ {
			delay := time.Duration(500+seed%spread) * time.Millisecond
			due := time.Now().Add(delay)
			time.AfterFunc(delay, func() { inbox <- due })
			seed = random(seed)
		}
	}()
	late := make([]time.Duration, count)
	for i := range late {
		late[i] = time.Since(<-inbox)
	}
	sort.Slice(late, func(i, j int) bool { return late[i] < late[j] })
	fmt.Printf("timer_lateness_p50 %.4f ms\n", late[count/2].Seconds()*1000)
	fmt.Printf("timer_lateness_p99 %.4f ms\n", late[count*99/100].Seconds()*1000)
}
