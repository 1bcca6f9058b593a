/* What a program that was lowered with `--transfers=call` calls: a runtime supplies both functions.
 *
 * A transfer is begun by one or several calls with one tag, and waited for by one call with that tag, further down
 * in the program. Tags count from 0 in each run of a function. Until it is waited for, the program touches neither
 * the bytes that it goes to nor, to write, those that it comes from. A channel carries out what it is given in the
 * order in which it was given it; channels count from 0, in the order in which the links of `cosma.machine` name
 * them, the link from the host to the scratchpad first. */
#ifndef COSMA_DMA_H
#define COSMA_DMA_H

#include <stddef.h>

/* Begins to copy `rows` rows of `bytes` bytes each from `from` to `to`. From row to row, the addresses advance by a
 * pitch in bytes, each by its own. */
void cosma_dma_start(size_t channel, void *to, const void *from, size_t bytes, size_t rows, size_t to_pitch,
                     size_t from_pitch, size_t tag);

/* Returns when all copies begun with this tag are complete. */
void cosma_dma_wait(size_t tag);

#endif
