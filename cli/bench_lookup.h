#pragma once
// bench lookup: what serving costs on the host: finding a bound kernel, binding a new size, launching.

namespace CLI {
class App;
}

namespace nsajit::cli {

struct Session;

void add_bench_lookup(CLI::App& bench, Session& session);

}  // namespace nsajit::cli
