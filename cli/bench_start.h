#pragma once
// bench start: how long a program takes until its kernels, all of them in the cache, are ready to be launched.

namespace CLI {
class App;
}

namespace nsajit::cli {

struct Session;

void add_bench_start(CLI::App& bench, Session& session);

}  // namespace nsajit::cli
