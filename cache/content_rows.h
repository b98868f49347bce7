#pragma once
// ContentRows: the content of a cache file, and content written into one. Free functions over an open connection;
// store_merged runs inside the caller's transaction.

#include "cache/content.h"

namespace nsajit::cache {

class SqliteDatabase;
class WarnOnce;
struct MergeReport;

// Of several rows of one key the one that take() prefers. Rows that are damaged, and winners that rest on such a row,
// are left out with a warning.
Content read_content(SqliteDatabase& database, WarnOnce& warnings);

// Makes the file hold the union of what it holds and `other`. A trial that is beaten stays as a row of its own below
// the one that beat it. Winners are written anew where their order, which decides between equals, is not that of their
// times: row numbers of different files say nothing about each other.
MergeReport store_merged(SqliteDatabase& database, const Content& other, WarnOnce& warnings);

}  // namespace nsajit::cache
