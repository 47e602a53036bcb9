// SPDX-License-Identifier: MIT
// A batch of words or lines, as src/fastbatch/_words.pyx reads it. Plain C: Cython includes it.
// Threads: values; the capsule's owner keeps them alive.
#pragma once

#include <stddef.h>
#include <stdint.h>

// The name of the capsules whose pointer is a FastbatchTextBatch.
#define FASTBATCH_TEXT_BATCH "fastbatch.TextBatch"
#define FASTBATCH_RECENT_WORDS 16384

typedef struct {
  const char* text;       // at least 16 bytes may be read from the start of each item
  const uint32_t* spans;  // start and end of each item in `text`
  size_t n;
  int is_ascii;
  const uint32_t* ids;  // id of each item, below FASTBATCH_RECENT_WORDS, or "none"; or NULL
  size_t lane;          // equal ids of one lane and generation are equal items
  uint64_t generation;  // > 0
} FastbatchTextPart;

typedef struct {
  const FastbatchTextPart* parts;
  size_t n_parts;
  size_t n_items;  // total of all parts
} FastbatchTextBatch;
