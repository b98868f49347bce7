#pragma once
// CudaContext: the primary context of one GPU, held as long as a device, buffer or kernel on it lives, so that
// they may be destroyed in any order.

#include <memory>
#include <string>

#include "nsajit/target.h"
#include "runtime/cuda_driver.h"

namespace nsajit::runtime {

class CudaContext {
 public:
  // Throws Error{Driver} where there is no such GPU or it refuses a context.
  CudaContext(std::shared_ptr<const CudaDriver> driver, int ordinal);
  CudaContext(const CudaContext&) = delete;
  CudaContext& operator=(const CudaContext&) = delete;
  ~CudaContext();

  // The driver, with this context current on the calling thread: a device may move between threads, and other
  // libraries of the process may have set a context of theirs.
  const CudaDriver& enter() const {
    driver_->check(driver_->cuCtxSetCurrent(context_), "cuCtxSetCurrent");
    return *driver_;
  }
  // As enter(), for destructors: nullptr where the context is lost.
  const CudaDriver* try_enter() const noexcept {
    return driver_->cuCtxSetCurrent(context_) == CUDA_SUCCESS ? driver_.get() : nullptr;
  }
  const Target& target() const { return target_; }

  // The context current on this thread for as long as the object lives, and the caller's own again after: a launch must not
  // move a program that works on another GPU.
  class Visit {
   public:
    explicit Visit(const CudaContext& context) : driver_(*context.driver_) {
      driver_.check(driver_.cuCtxGetCurrent(&before_), "cuCtxGetCurrent");
      if (before_ == context.context_) return;
      driver_.check(driver_.cuCtxSetCurrent(context.context_), "cuCtxSetCurrent");
      moved_ = before_ != nullptr;
    }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    ~Visit() {
      if (moved_) driver_.cuCtxSetCurrent(before_);
    }
    const CudaDriver& driver() const { return driver_; }

   private:
    const CudaDriver& driver_;
    CUcontext before_ = nullptr;
    bool moved_ = false;
  };
  const std::string& pci_bus_id() const { return pci_bus_id_; }

 private:
  std::shared_ptr<const CudaDriver> driver_;
  CUdevice device_ = 0;
  CUcontext context_ = nullptr;
  Target target_;
  std::string pci_bus_id_;
};

int count_gpus(const CudaDriver& driver);
// The facts of a GPU, without a context on it.
Target read_target(const CudaDriver& driver, int ordinal);

}  // namespace nsajit::runtime
