# SPDX-License-Identifier: MIT
# Declarations for transforms written in Cython: `from fastbatch.transform cimport fastbatch_sample`.
# Compile with include_dirs=[fastbatch.get_include()]; include/fastbatch/transform.h documents the names.
from libc.stdint cimport int64_t, uint64_t


cdef extern from "fastbatch/transform.h" nogil:
    ctypedef struct fastbatch_sample:
        uint64_t size
        void *data
        uint64_t itemsize
        int64_t type
        int64_t ndim
        const int64_t *shape
        uint64_t index
        uint64_t seed
        uint64_t epoch
        uint64_t random

    uint64_t fastbatch_random(const fastbatch_sample *sample, uint64_t i) noexcept
    double fastbatch_uniform(const fastbatch_sample *sample, uint64_t i) noexcept
