#pragma once
// bench decode: one decode step against caches of growing length, with the flags and the CSV that users know.

namespace CLI {
class App;
}

namespace nsajit::cli {

struct Session;

void add_bench_decode(CLI::App& bench, Session& session);

}  // namespace nsajit::cli
