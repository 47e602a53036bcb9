// SPDX-License-Identifier: MIT
// The loop of src/fastbatch/_words.pyx: items to a list of str objects. Plain C for Cython. GIL held throughout, or
// where there is none, the lock of the lanes.
#pragma once

#include <Python.h>
#include <string.h>

#include "bindings/text_view.h"

#define FASTBATCH_AHEAD 16

// The strings of the ids of one lane, made at their first occurrence; NULL before that.
typedef struct {
  uint64_t generation;
  PyObject* strings[FASTBATCH_RECENT_WORDS];
} FastbatchLane;

// Guards the lanes of one Strings object in a Python without the GIL. A critical section would not do: it is suspended
// when the garbage collector stops the threads, and the strings of a lane would become those of another generation.
typedef struct {
#ifdef Py_GIL_DISABLED
  PyMutex mutex;
#else
  char unused;
#endif
} FastbatchLock;

static inline void fastbatch_lock(FastbatchLock* lock) {
#ifdef Py_GIL_DISABLED
  PyMutex_Lock(&lock->mutex);
#else
  (void)lock;
#endif
}

static inline void fastbatch_unlock(FastbatchLock* lock) {
#ifdef Py_GIL_DISABLED
  PyMutex_Unlock(&lock->mutex);
#else
  (void)lock;
#endif
}

static void fastbatch_clear_lane(FastbatchLane* lane) {
  for (size_t id = 0; id < FASTBATCH_RECENT_WORDS; ++id) Py_CLEAR(lane->strings[id]);
}

// Copies n > 0 bytes. Words are short: no call, and no loop. Reads up to 16 bytes, writes n.
static inline void fastbatch_copy(char* dst, const char* src, size_t n) {
  if (n >= 8) {
    if (n > 16) {
      memcpy(dst, src, n);
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

static inline int fastbatch_is_ascii(const char* text, size_t n) {
  unsigned char any = 0;
  for (size_t i = 0; i < n; ++i) any |= (unsigned char)text[i];
  return any < 0x80;
}

static inline PyObject* fastbatch_string(const char* text, size_t n, int is_ascii) {
  if (!is_ascii && !fastbatch_is_ascii(text, n)) return PyUnicode_DecodeUTF8(text, (Py_ssize_t)n, "surrogatepass");
  if (n == 1) return PyUnicode_FromOrdinal(text[0]);  // a shared object, as by str.split()
  PyObject* string = PyUnicode_New((Py_ssize_t)n, 127);
  if (string != NULL && n != 0) fastbatch_copy((char*)PyUnicode_1BYTE_DATA(string), text, n);
  return string;
}

// Sets the items of a part in the list, starting at `place`. `chop`: without the newline at the end of a line. `lane`:
// NULL, or the part's. Returns -1 with an exception set.
static int fastbatch_strings(const FastbatchTextPart* part, FastbatchLane* lane, int chop, PyObject* list,
                             Py_ssize_t place) {
  const uint32_t* span = part->spans;
  const int is_ascii = part->is_ascii;
  const uint32_t* const ids = lane == NULL ? NULL : part->ids;
  if (ids != NULL && lane->generation != part->generation) {
    fastbatch_clear_lane(lane);
    lane->generation = part->generation;
  }
  for (size_t i = 0; i < part->n; ++i, span += 2) {
    if (ids != NULL &&
        i + FASTBATCH_AHEAD < part->n)  // strings are scattered in memory, and their reference counts are written
      __builtin_prefetch(lane->strings[ids[i + FASTBATCH_AHEAD] % FASTBATCH_RECENT_WORDS], 1);
    PyObject** const known = ids != NULL && ids[i] < FASTBATCH_RECENT_WORDS ? &lane->strings[ids[i]] : NULL;
    PyObject* string = known == NULL ? NULL : *known;
    if (string != NULL) {
      Py_INCREF(string);
    } else {
      const char* const text = part->text + span[0];
      size_t n = span[1] - span[0];
      if (chop && n != 0 && text[n - 1] == '\n') --n;
      string = fastbatch_string(text, n, is_ascii);
      if (string == NULL) return -1;
      if (known != NULL) {
        Py_INCREF(string);
        *known = string;
      }
    }
    PyList_SET_ITEM(list, place + (Py_ssize_t)i, string);
  }
  return 0;
}
