#pragma once
// bench forward: the whole forward pass and its parts beside dense attention.

namespace CLI {
class App;
}

namespace nsajit::cli {

struct Session;

void add_bench_forward(CLI::App& bench, Session& session);

}  // namespace nsajit::cli
