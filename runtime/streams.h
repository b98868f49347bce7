#pragma once
// Streams: order among launches beyond one stream: a stream of one's own, work that runs beside a stream, and launches
// that are replayed as one. Made by a Device; on one whose launches are done on return they say so, or do the plain thing.

#include <functional>

namespace nsajit::runtime {

// Opaque: a CUstream of the caller on CUDA; ignored on the CPU. nullptr = the default stream.
using Stream = void*;
// Launches, all on the given stream or joined to it again.
using StreamWork = std::function<void(Stream)>;

// A stream, destroyed with the object.
class OwnStream {
 public:
  virtual ~OwnStream() = default;
  virtual Stream get() const = 0;
};

// Lets work run on a second stream beside a first. Both calls only queue, and may be captured in a graph; between them the
// object belongs to one launch, after end() it is free for the next. Throws Error{Driver}.
class StreamFork {
 public:
  virtual ~StreamFork() = default;
  virtual void begin(Stream main, Stream side) = 0;  // side waits for what main holds
  virtual void end(Stream main, Stream side) = 0;    // main waits for what side holds
};

// Launches that were captured, with their arguments.
class LaunchSequence {
 public:
  virtual ~LaunchSequence() = default;
  virtual void launch(Stream stream) const = 0;
};

}  // namespace nsajit::runtime
