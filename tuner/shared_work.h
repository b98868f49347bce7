#pragma once
// SharedWork: one list of work for several lanes, a thread each (the devices of a sweep): whoever is free takes the next
// piece, so that a slow one holds nobody up.

#include <cstddef>
#include <functional>
#include <span>
#include <string>

namespace nsajit {
struct Target;
}

namespace nsajit::tuner {

// Calls work(lane, index) once for each index in [0, count), in their order, on `lanes` threads; a lane is always the same
// thread, and lane 0 is the caller's. Where a piece throws, nobody takes another one, and the first error is thrown here once
// all pieces under way have ended. Work that shall end early returns at once.
void share_work(std::size_t lanes, std::size_t count, const std::function<void(std::size_t lane, std::size_t index)>& work);

// Results of one sweep are kept under one device. Throws Error{InvalidArgument} that names the two `names` whose targets differ
// in more than their place in the machine.
void check_same_model(std::span<const std::string> names, std::span<const Target> targets);

}  // namespace nsajit::tuner
