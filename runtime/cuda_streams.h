#pragma once
// CUDA streams: streams, events and graphs of one GPU behind the interfaces of streams.h. Each object belongs to one thread
// at a time and keeps its context alive.

#include <cstdint>
#include <memory>

#include "runtime/cuda_context.h"
#include "runtime/streams.h"

namespace nsajit::runtime {

class CudaEvent {
 public:
  enum class Use : std::uint8_t { Timing, Order };  // Order alone is cheaper to record
  CudaEvent(std::shared_ptr<const CudaContext> context, Use use);
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;
  ~CudaEvent();
  CUevent get() const { return event_; }

 private:
  std::shared_ptr<const CudaContext> context_;
  CUevent event_ = nullptr;
};

// All throw Error{Driver}.
std::unique_ptr<OwnStream> make_cuda_stream(std::shared_ptr<const CudaContext> context);
std::unique_ptr<StreamFork> make_cuda_fork(std::shared_ptr<const CudaContext> context);
// On a stream of its own. Error{Unsupported} where the driver has no graphs.
std::unique_ptr<LaunchSequence> capture_cuda_graph(std::shared_ptr<const CudaContext> context, const StreamWork& work);

}  // namespace nsajit::runtime
