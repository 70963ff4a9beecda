// Messages: casts, floods, rings, pairs, payloads, broadcasts.
package main

import (
	"strconv"
	"sync"
)

const (
	senders     = 8
	pairs       = 1000
	ringSize    = 503
	bigSize     = 500
	subscribers = 10000
)

// --- casts ---

// cast sends `count` copies of a message from `senders` goroutines to one server, which
// adds up what `weigh` says of each.
func cast[M any](name string, count, senders int, message M, weigh func(*M) int) {
	took := measure(count, func(count int) {
		share := atLeastOne(count / senders)
		inbox := make(chan M, mailbox)
		sum := make(chan int)
		go func() {
			total := 0
			for message := range inbox {
				total += weigh(&message)
			}
			sum <- total
		}()
		var sending sync.WaitGroup
		sending.Add(senders)
		for i := 0; i < senders; i++ {
			go func() {
				for i := 0; i < share; i++ {
					inbox <- message
				}
				sending.Done()
			}()
		}
		sending.Wait()
		close(inbox)
		check(<-sum == share*senders*weigh(&message), "sum")
	})
	perSecond(name, took, count)
}

func castSmall(name string, count, senders int) {
	cast(name, count, senders, 1, func(add *int) int { return *add })
}

// payload64k sends a slice: the bytes are shared.
func payload64k(count int) {
	cast("payload_64k", count, 1, make([]byte, 65536),
		func(data *[]byte) int { return len(*data) })
}

// payload1k sends 1 KB by value: a flat array, less than the nested term of OTP.
func payload1k(count int) {
	cast("payload_1k", count, 1, [128]int{12345},
		func(order *[128]int) int { return order[0] })
}

// --- pairs ---

func pingPong(count int) {
	rounds := atLeastOne(count / (2 * pairs))
	took := measure(rounds, func(rounds int) {
		var running sync.WaitGroup
		running.Add(pairs)
		for i := 0; i < pairs; i++ {
			go func() {
				ping(rounds)
				running.Done()
			}()
		}
		running.Wait()
	})
	perSecond("ping_pong", took, 2*pairs*rounds)
}

func ping(rounds int) {
	pings, pongs := make(chan int, 1), make(chan int, 1)
	go func() {
		for ping := range pings {
			pongs <- ping
		}
	}()
	for i := 0; i < rounds; i++ {
		pings <- i
		check(<-pongs == i, "pong")
	}
	close(pings)
}

// --- rings ---

// startRing makes a ring of goroutines that pass a falling number on, linked in the
// order given, and returns their channels in that order.
func startRing(order []int, done chan int) []chan int {
	channels := make([]chan int, len(order))
	for i := range channels {
		channels[i] = make(chan int, 1)
	}
	ring := make([]chan int, len(order))
	for i, index := range order {
		ring[i] = channels[index]
	}
	for i := range ring {
		go ringNode(ring[i], ring[(i+1)%len(ring)], done)
	}
	return ring
}

func ringNode(inbox, next, done chan int) {
	for token := range inbox {
		if token == 1 {
			done <- token
		} else {
			next <- token - 1
		}
	}
}

func passTokens(starts []chan int, hops int, done chan int) {
	for _, start := range starts {
		start <- hops
	}
	for range starts {
		<-done
	}
}

func ring(count int) {
	order := make([]int, ringSize)
	for i := range order {
		order[i] = i
	}
	done := make(chan int)
	ring := startRing(order, done)
	took := measure(count, func(count int) { passTokens(ring[:1], count, done) })
	perItem("ring", took, count)
}

// growth sends tokens round rings of growing size in random order, one token for every
// ten goroutines, so that the load grows with their number.
func growth(count int) {
	for size := 10; size <= count && size <= 1000000; size *= 10 {
		done := make(chan int)
		ring := startRing(shuffle(size), done)
		starts := []chan int{}
		for i := 0; i < size; i += 10 {
			starts = append(starts, ring[i])
		}
		hops := atLeastOne(count / len(starts))
		took := measure(hops, func(hops int) { passTokens(starts, hops, done) })
		perItem("growth_"+strconv.Itoa(size), took, hops*len(starts))
		for _, node := range ring {
			close(node)
		}
	}
}

func shuffle(size int) []int {
	order := make([]int, size)
	for i := range order {
		order[i] = i
	}
	seed := uint32(42)
	for i := size - 1; i > 0; i-- {
		seed = random(seed)
		j := int(seed/8) % (i + 1)
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// --- all to all ---

type bigMessage struct {
	ping bool
	from chan bigMessage
}

// big: in each round every goroutine sends a ping to every other one and answers theirs.
// A channel has room for a whole round, or two full ones could wait for each other.
func big(count int) {
	perRound := 2 * bigSize * (bigSize - 1)
	rounds := atLeastOne(count / perRound)
	inboxes := make([]chan bigMessage, bigSize)
	starts := make([]chan int, bigSize)
	var running sync.WaitGroup
	for i := range inboxes {
		inboxes[i] = make(chan bigMessage, 2*bigSize)
		starts[i] = make(chan int, 1)
	}
	for i := range inboxes {
		go bigProcess(inboxes, i, starts[i], &running)
	}
	took := measure(rounds, func(rounds int) {
		for i := 0; i < rounds; i++ {
			running.Add(bigSize)
			for _, start := range starts {
				start <- 1
			}
			running.Wait()
		}
	})
	perSecond("big", took, perRound*rounds)
}

func bigProcess(inboxes []chan bigMessage, self int, start chan int, running *sync.WaitGroup) {
	inbox := inboxes[self]
	for range start {
		for i, other := range inboxes {
			if i != self {
				other <- bigMessage{true, inbox}
			}
		}
		for pings, pongs := bigSize-1, bigSize-1; pings+pongs > 0; {
			message := <-inbox
			if message.ping {
				message.from <- bigMessage{false, nil}
				pings--
			} else {
				pongs--
			}
		}
		running.Done()
	}
}

// --- broadcast ---

type news struct {
	topic string
	text  string
	left  int
	done  chan int
}

func broadcast(count int) {
	rounds := atLeastOne(count / subscribers)
	inboxes := make([]chan *news, subscribers)
	done := make(chan int, mailbox)
	for i := range inboxes {
		inboxes[i] = make(chan *news, 16)
		go subscribe(inboxes[i])
	}
	took := measure(rounds, func(rounds int) {
		for left := rounds - 1; left >= 0; left-- {
			story := &news{"weather", "sunny sunny sunny sunny", left, done}
			for _, inbox := range inboxes {
				inbox <- story
			}
		}
		for range inboxes {
			check(<-done == rounds, "news received")
		}
	})
	perItem("broadcast", took, rounds*subscribers)
}

// subscribe counts what comes and tells at the last story of a run.
func subscribe(inbox chan *news) {
	received := 0
	for story := range inbox {
		received++
		if story.left == 0 {
			story.done <- received
			received = 0
		}
	}
}
