# SPDX-License-Identifier: MIT
# cython: language_level=3
# cython: freethreading_compatible=True
"""Creates the `str` objects of a batch of words or lines that the core's threads have found."""

from cpython.list cimport PyList_New
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport uint32_t


cdef extern from "bindings/text_view.h":
    ctypedef struct FastbatchTextPart:
        size_t n
        const uint32_t* ids
        size_t lane

    ctypedef struct FastbatchTextBatch:
        const FastbatchTextPart* parts
        size_t n_parts
        size_t n_items

    const char* FASTBATCH_TEXT_BATCH


cdef extern from "bindings/text_strings.h":
    ctypedef struct FastbatchLane:
        pass

    ctypedef struct FastbatchLock:
        pass

    void fastbatch_lock(FastbatchLock* lock)
    void fastbatch_unlock(FastbatchLock* lock)
    void fastbatch_clear_lane(FastbatchLane* lane)
    int fastbatch_strings(const FastbatchTextPart*, FastbatchLane*, bint chop, list out, Py_ssize_t place) except -1


cdef class Strings:
    """Makes the lists of a run's batches; frequent words share one object.

    Threads: any, under the GIL; where there is none, the lock guards the lanes.
    """

    cdef object next_batch
    cdef FastbatchLock lock
    cdef FastbatchLane** lanes  # one per core thread that numbers words; NULL until it is used
    cdef size_t n_lanes
    cdef bint chop

    def __cinit__(self, object next_batch, size_t n_lanes, bint chop):
        """Convert the batches of `next_batch()`, found by `n_lanes` threads; `chop` removes the newline of a line."""
        self.next_batch = next_batch
        self.chop = chop
        self.lanes = <FastbatchLane**>PyMem_Calloc(n_lanes, sizeof(FastbatchLane*))
        if self.lanes == NULL:
            raise MemoryError
        self.n_lanes = n_lanes

    def __dealloc__(self):
        cdef size_t i
        for i in range(self.n_lanes):
            if self.lanes[i] != NULL:
                fastbatch_clear_lane(self.lanes[i])
                PyMem_Free(self.lanes[i])
        PyMem_Free(self.lanes)

    def next(self):
        """Return the next batch as a list of `str`; None and False are passed on."""
        batch = self.next_batch()
        if batch is None or batch is False:
            return batch
        view = <const FastbatchTextBatch*>PyCapsule_GetPointer(batch, FASTBATCH_TEXT_BATCH)
        cdef list out = PyList_New(<Py_ssize_t>view.n_items)
        cdef Py_ssize_t place = 0
        cdef const FastbatchTextPart* part
        cdef FastbatchLane* lane
        cdef size_t p
        fastbatch_lock(&self.lock)
        try:
            for p in range(view.n_parts):
                part = view.parts + p
                lane = self.lane_of(part) if part.ids != NULL else NULL
                fastbatch_strings(part, lane, self.chop, out, place)
                place += <Py_ssize_t>part.n
        finally:
            fastbatch_unlock(&self.lock)
        return out

    cdef FastbatchLane* lane_of(self, const FastbatchTextPart* part) except NULL:
        if part.lane >= self.n_lanes:
            raise IndexError(part.lane)
        if self.lanes[part.lane] == NULL:
            self.lanes[part.lane] = <FastbatchLane*>PyMem_Calloc(1, sizeof(FastbatchLane))
            if self.lanes[part.lane] == NULL:
                raise MemoryError
        return self.lanes[part.lane]
