# SPDX-License-Identifier: MIT
# cython: language_level=3
# Makes each sample up to 20% darker or brighter.
from libc.stdint cimport int64_t

from fastbatch.transform cimport fastbatch_sample, fastbatch_uniform


cdef api int jitter(fastbatch_sample *sample, void *user_data) noexcept nogil:
    cdef double strength = (<double *>user_data)[0] if user_data else 0.2
    if sample.type != b"f":  # float32 only
        return 1
    cdef float gain = <float>(1.0 + strength * (2.0 * fastbatch_uniform(sample, 0) - 1.0))
    cdef float *x = <float *>sample.data
    cdef int64_t d, i, n = 1
    for d in range(sample.ndim):
        n *= sample.shape[d]
    for i in range(n):
        x[i] *= gain
    return 0
