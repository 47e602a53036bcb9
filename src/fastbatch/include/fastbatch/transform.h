// SPDX-License-Identifier: MIT
/* A transform is a C function that the worker threads call on each decoded sample, without the GIL:
 *
 *   int transform(fastbatch_sample *sample, void *user_data);   // 0: success; else: the sample is bad
 *
 * It changes the sample in place. Several threads call it at the same time, with different samples and the same
 * user_data. It must not use Python. `fastbatch.get_include()` returns the include folder. C99 and C++; GCC and Clang.
 */
#ifndef FASTBATCH_TRANSFORM_H
#define FASTBATCH_TRANSFORM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One array of one sample. All fields have 8 bytes, so that any language can declare the struct. */
typedef struct fastbatch_sample {
  uint64_t size;        /* size of this struct in bytes: later versions may append fields */
  void* data;           /* elements in C order, writable; valid during the call only */
  uint64_t itemsize;    /* bytes per element */
  int64_t type;         /* NumPy's type code: 'f' is float32, 'B' is uint8, ... (numpy.dtype.char) */
  int64_t ndim;         /* number of dimensions */
  const int64_t* shape; /* ndim lengths */
  uint64_t index;       /* index of the sample in the data set, before shuffling */
  uint64_t seed;        /* seed of the loader */
  uint64_t epoch;       /* epoch; with replacement, a number that differs for each draw of a sample */
  uint64_t random;      /* fastbatch_random(sample, 0), for example to seed another generator */
} fastbatch_sample;

typedef int (*fastbatch_transform)(fastbatch_sample* sample, void* user_data);

/* Random number i of this sample: 64 bits that depend on seed, epoch, index and i only, not on threads or on the
 * other random numbers of the sample. Philox4x64-10, in NumPy's numbering:
 *   np.random.Philox(key=[seed, epoch], counter=[0, index, 0, 12]).random_raw(i + 1)[i] */
static inline uint64_t fastbatch_random(const fastbatch_sample* sample, uint64_t i) {
  __extension__ typedef unsigned __int128 fastbatch_wide;
  uint64_t counter0 = i / 4 + 1, counter1 = sample->index, counter2 = 0, counter3 = 12;
  uint64_t key0 = sample->seed, key1 = sample->epoch;
  for (int round = 0; round < 10; ++round) {
    const fastbatch_wide even = (fastbatch_wide)0xD2E7470EE14C6C93u * counter0;
    const fastbatch_wide odd = (fastbatch_wide)0xCA5A826395121157u * counter2;
    counter0 = (uint64_t)(odd >> 64) ^ counter1 ^ key0;
    counter1 = (uint64_t)odd;
    counter2 = (uint64_t)(even >> 64) ^ counter3 ^ key1;
    counter3 = (uint64_t)even;
    key0 += 0x9E3779B97F4A7C15u;
    key1 += 0xBB67AE8584CAA73Bu;
  }
  return i % 4 == 0 ? counter0 : i % 4 == 1 ? counter1 : i % 4 == 2 ? counter2 : counter3;
}

/* Random number i of this sample in [0, 1). */
static inline double fastbatch_uniform(const fastbatch_sample* sample, uint64_t i) {
  return (double)(fastbatch_random(sample, i) >> 11) * (1.0 / 9007199254740992.0); /* 2^53 */
}

#ifdef __cplusplus
}
#endif

#endif
