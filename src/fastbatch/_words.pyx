# SPDX-License-Identifier: MIT
# cython: language_level=3
"""Many small Python objects at once: the `str` of a batch of words or lines, from what the core's threads found."""

from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.pycapsule cimport PyCapsule_GetPointer
from cpython.ref cimport Py_INCREF
from libc.stdint cimport uint32_t


cdef extern from "bindings/text_view.h":
    ctypedef struct FastbatchTextPart:
        const char* text
        const uint32_t* spans
        size_t n
        int is_ascii

    ctypedef struct FastbatchTextBatch:
        const FastbatchTextPart* parts
        size_t n_parts
        size_t n_items

    const char* FASTBATCH_TEXT_BATCH


cdef extern from *:
    """
    #include <string.h>

    /* n > 0 bytes. Words are short: no call, and no loop. Reads up to 16 bytes, writes n. */
    static inline void fastbatch_copy(char* dst, const char* src, Py_ssize_t n) {
      if (n >= 8) {
        if (n > 16) {
          memcpy(dst, src, (size_t)n);
          return;
        }
        memcpy(dst, src, 8);
        memcpy(dst + n - 8, src + n - 8, 8);
      } else if (n >= 4) {
        memcpy(dst, src, 4);
        memcpy(dst + n - 4, src + n - 4, 4);
      } else {
        dst[0] = src[0];
        dst[n >> 1] = src[n >> 1];
        dst[n - 1] = src[n - 1];
      }
    }

    static inline int fastbatch_is_ascii(const char* text, Py_ssize_t n) {
      unsigned char any = 0;
      for (Py_ssize_t i = 0; i < n; ++i) any |= (unsigned char)text[i];
      return any < 0x80;
    }
    """
    void fastbatch_copy(char* dst, const char* src, Py_ssize_t n) noexcept
    bint fastbatch_is_ascii(const char* text, Py_ssize_t n) noexcept


cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t size, unsigned int maxchar)
    object PyUnicode_FromOrdinal(int ordinal)
    object PyUnicode_DecodeUTF8(const char* text, Py_ssize_t size, const char* errors)
    void* PyUnicode_DATA(object string)


cdef inline object ascii_string(const char* text, Py_ssize_t n):
    if n == 1:
        return PyUnicode_FromOrdinal(text[0])  # one object for all, as str.split() has it
    cdef object string = PyUnicode_New(n, 127)
    if n != 0:
        fastbatch_copy(<char*>PyUnicode_DATA(string), text, n)
    return string


def to_list(object batch, Py_ssize_t chop=0):
    """Return the items of a batch as a list of `str`; `chop` 1 leaves out the newline that ends a line."""
    cdef const FastbatchTextBatch* view = <const FastbatchTextBatch*>PyCapsule_GetPointer(batch, FASTBATCH_TEXT_BATCH)
    cdef list out = PyList_New(<Py_ssize_t>view.n_items)
    cdef const FastbatchTextPart* part
    cdef const char* text
    cdef Py_ssize_t n, place = 0
    cdef size_t i, p
    cdef object string
    for p in range(view.n_parts):
        part = view.parts + p
        for i in range(part.n):
            text = part.text + part.spans[2 * i]
            n = <Py_ssize_t>(part.spans[2 * i + 1] - part.spans[2 * i])
            if chop != 0 and n != 0 and text[n - 1] == b"\n":
                n -= 1
            if part.is_ascii or fastbatch_is_ascii(text, n):
                string = ascii_string(text, n)
            else:
                string = PyUnicode_DecodeUTF8(text, n, "surrogatepass")
            Py_INCREF(string)
            PyList_SET_ITEM(out, place, string)
            place += 1
    return out
