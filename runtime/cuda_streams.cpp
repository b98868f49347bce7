// CUDA streams: see the header.

#include "runtime/cuda_streams.h"

#include <utility>

#include <fmt/format.h>

#include "nsajit/error.h"

namespace nsajit::runtime {
namespace {

class CudaStream final : public OwnStream {
 public:
  explicit CudaStream(std::shared_ptr<const CudaContext> context) : context_(std::move(context)) {
    const CudaDriver& driver = context_->enter();
    driver.check(driver.cuStreamCreate(&stream_, CU_STREAM_NON_BLOCKING), "create a stream");
  }
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;
  ~CudaStream() override {
    const CudaDriver* driver = context_->try_enter();
    if (driver != nullptr) driver->cuStreamDestroy_v2(stream_);
  }
  Stream get() const override { return stream_; }

 private:
  std::shared_ptr<const CudaContext> context_;
  CUstream stream_ = nullptr;
};

class CudaFork final : public StreamFork {
 public:
  explicit CudaFork(const std::shared_ptr<const CudaContext>& context)
      : context_(context), begun_(context, CudaEvent::Use::Order), ended_(context, CudaEvent::Use::Order) {}
  void begin(Stream main, Stream side) override { order(main, begun_, side, "fork work to a second stream"); }
  void end(Stream main, Stream side) override { order(side, ended_, main, "join the second stream"); }

 private:
  void order(Stream first, const CudaEvent& event, Stream second, const char* attempt) const {
    const CudaContext::Visit visit(*context_);
    visit.driver().check(visit.driver().cuEventRecord(event.get(), static_cast<CUstream>(first)), attempt);
    visit.driver().check(visit.driver().cuStreamWaitEvent(static_cast<CUstream>(second), event.get(), 0), attempt);
  }

  std::shared_ptr<const CudaContext> context_;
  CudaEvent begun_, ended_;
};

class CudaGraph final : public LaunchSequence {
 public:
  CudaGraph(std::shared_ptr<const CudaContext> context, CUgraphExec graph) : context_(std::move(context)), graph_(graph) {}
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;
  ~CudaGraph() override {
    const CudaDriver* driver = context_->try_enter();
    if (driver != nullptr) driver->cuGraphExecDestroy(graph_);
  }
  void launch(Stream stream) const override {
    const CudaContext::Visit visit(*context_);
    visit.driver().check(visit.driver().cuGraphLaunch(graph_, static_cast<CUstream>(stream)), "launch a CUDA graph");
  }

 private:
  std::shared_ptr<const CudaContext> context_;
  CUgraphExec graph_;
};

// The graph that `work` makes of `stream`. Whatever happens, the stream is captured no more.
CUgraph record(const CudaContext& context, Stream stream, const StreamWork& work) {
  const CudaDriver& driver = context.enter();
  const auto own = static_cast<CUstream>(stream);
  CUgraph graph = nullptr;
  driver.check(driver.cuStreamBeginCapture_v2(own, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), "begin to capture a CUDA graph");
  try {
    work(stream);
  } catch (...) {
    if (driver.cuStreamEndCapture(own, &graph) == CUDA_SUCCESS && graph != nullptr) driver.cuGraphDestroy(graph);
    throw;
  }
  driver.check(driver.cuStreamEndCapture(own, &graph), "end the capture of a CUDA graph");
  return graph;
}

}  // namespace

CudaEvent::CudaEvent(std::shared_ptr<const CudaContext> context, Use use) : context_(std::move(context)) {
  const CudaDriver& driver = context_->enter();
  const unsigned flags = use == Use::Timing ? CU_EVENT_DEFAULT : CU_EVENT_DISABLE_TIMING;
  driver.check(driver.cuEventCreate(&event_, flags), "create an event");
}

CudaEvent::~CudaEvent() {
  const CudaDriver* driver = context_->try_enter();
  if (driver != nullptr) driver->cuEventDestroy_v2(event_);
}

std::unique_ptr<OwnStream> make_cuda_stream(std::shared_ptr<const CudaContext> context) {
  return std::make_unique<CudaStream>(std::move(context));
}

std::unique_ptr<StreamFork> make_cuda_fork(std::shared_ptr<const CudaContext> context) {
  return std::make_unique<CudaFork>(context);
}

std::unique_ptr<LaunchSequence> capture_cuda_graph(std::shared_ptr<const CudaContext> context, const StreamWork& work) {
  const CudaDriver& driver = context->enter();
  if (driver.cuGraphInstantiateWithFlags == nullptr)
    throw Error(ErrorCode::Unsupported,
                fmt::format("capture a CUDA graph: the driver is of CUDA {} and 11.4 or newer is needed; update it",
                            cuda_version_text(driver.version())));
  const CudaStream stream(context);
  // The stream waits for no other: what was copied in has to be there, and what comes next may read what this leaves.
  driver.check(driver.cuCtxSynchronize(), "wait before a CUDA graph is captured");
  work(stream.get());
  driver.check(driver.cuStreamSynchronize(static_cast<CUstream>(stream.get())), "run the work of a CUDA graph once");
  const CUgraph graph = record(*context, stream.get(), work);
  CUgraphExec made = nullptr;
  const CUresult status = driver.cuGraphInstantiateWithFlags(&made, graph, 0);
  driver.cuGraphDestroy(graph);
  driver.check(status, "instantiate a CUDA graph");
  return std::make_unique<CudaGraph>(std::move(context), made);
}

}  // namespace nsajit::runtime
