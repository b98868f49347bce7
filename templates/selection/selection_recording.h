#pragma once
// Selection recording: a recorded selection as a workload's: the workload that it makes, what has to be true of it, its
// rows as a launch takes them. The recording itself is include/nsajit/recording.h.

#include "nsajit/recording.h"

namespace nsajit::templates {

// `base` with what the recording decides: B, S, G, n, ranges or blocks, the selection and the overlap, which is measured as
// estimate_overlap does for a live launch, so that a winner on the recording is near to launches like it. Not validated.
Workload make_recorded_workload(const Workload& base, const Recording& recording);

// Throws Error{InvalidArgument} that names the file, and the row and entry where there is one: the recording is not of the
// workload's sizes, or its entries are no selection (selection_row_check.h).
void check_recording(const Workload& workload, const Recording& recording);

// The recording's rows, of each the first n entries of the workload, which may be fewer than were recorded.
// Throws Error{InvalidArgument} where the sizes differ.
void copy_recording(const Workload& workload, const Recording& recording, HostTensor& sel);

// Tokens that all rows attend to, with the first n entries of each.
double count_recorded_tokens(const Workload& workload, const Recording& recording);

}  // namespace nsajit::templates
