#pragma once
// Fields of the CPU selection kernels: constants that the JIT gives their values for one problem and config. A native
// build of a template (the tests) defines NSAJIT_FIELDS_GIVEN and the constants itself.

#ifndef NSAJIT_FIELDS_GIVEN
extern "C" {
extern const int nsajit_field_element;  // storage type, see Element
extern const int nsajit_field_dk;
extern const int nsajit_field_dv;
extern const int nsajit_field_l_sel;
extern const int nsajit_field_ranges;  // 1: sel holds ranges, 0: block indices
extern const int nsajit_field_group;   // query heads that exist
extern const int nsajit_field_heads;   // the same, padded
extern const int nsajit_field_width;   // 8 or 16 fp32 lanes
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
