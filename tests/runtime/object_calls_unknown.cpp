// As object_rows.cpp: a function that calls what the loader does not offer.

extern "C" int no_such_function(int);
extern "C" int calls_unknown(int x) { return no_such_function(x) + 1; }
