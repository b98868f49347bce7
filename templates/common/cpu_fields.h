#pragma once
// Fields of the CPU attention kernels: constants that the JIT gives their values for one problem and config; those of a
// branch are declared beside its template. A native build (the tests) defines NSAJIT_FIELDS_GIVEN and the constants itself.

#ifndef NSAJIT_FIELDS_GIVEN
extern "C" {
extern const int nsajit_field_element;  // storage type, see Element
extern const int nsajit_field_dk;
extern const int nsajit_field_dv;
extern const int nsajit_field_group;    // query heads of a query
extern const int nsajit_field_queries;  // neighbouring queries that are attended to together
extern const int nsajit_field_masked;   // 1: they do not see the same keys
extern const int nsajit_field_heads;    // heads of all of them, padded
extern const int nsajit_field_width;    // 8 or 16 fp32 lanes
extern const int nsajit_field_lane_heads;
extern const int nsajit_field_score_groups;   // vectors of heads that share a loaded key
extern const int nsajit_field_key_block;      // keys whose scores are summed side by side
extern const int nsajit_field_value_heads;    // heads that share a loaded value
extern const int nsajit_field_value_vectors;  // vectors of dv that share a probability
extern const int nsajit_field_tile;           // keys between two updates of the running maximum
extern const int nsajit_field_tokens;         // keys gathered at once
extern const int nsajit_field_pack_k;         // 1: keys are converted to fp32 in scratch
extern const int nsajit_field_pack_v;
}
#endif
