// SPDX-License-Identifier: MIT
/* Makes each sample up to 20% darker or brighter. user_data: the strength, a double. */
#include <fastbatch/transform.h>

int jitter(fastbatch_sample* sample, void* user_data) {
  const double strength = user_data ? *(const double*)user_data : 0.2;
  if (sample->type != 'f') return 1; /* float32 only */
  const float gain = (float)(1.0 + strength * (2.0 * fastbatch_uniform(sample, 0) - 1.0));
  int64_t n = 1;
  for (int64_t d = 0; d < sample->ndim; ++d) n *= sample->shape[d];
  float* x = (float*)sample->data;
  for (int64_t i = 0; i < n; ++i) x[i] *= gain;
  return 0;
}
