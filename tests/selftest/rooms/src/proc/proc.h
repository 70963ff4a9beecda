// A face.
