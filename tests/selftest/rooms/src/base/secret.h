// Private to its room.
