#ifndef SHOWCASE_ROOM_H
#define SHOWCASE_ROOM_H

#include <keel/gen_server.h>

// One room: those who are in it and what was said. Its argument is its id.
//
//   calls   get → {[{id, Id}, {users, Users}, {messages, Messages}]}
//           {say, User, Text} → the message
//           {join, User} → ok; the caller is in it until it ends
extern const keel_gen_server room_server;

#endif // SHOWCASE_ROOM_H
