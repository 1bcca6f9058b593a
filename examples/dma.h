/* The functions that programs lowered with `--transfers=call` call; a runtime supplies both.
 *
 * A transfer begins with one or several calls with one tag, and ends with a later wait for that tag. Tags count from 0
 * in each run of a function. Before the wait, the program does not access the destination, and does not write the
 * source. A channel executes its transfers in order. Channels count from 0, in the order in which the links of
 * `cosma.machine` name them, beginning with the link from the host to the scratchpad. */
#ifndef COSMA_DMA_H
#define COSMA_DMA_H

#include <stddef.h>

/* Begins to copy `rows` rows of `bytes` bytes each from `from` to `to`. From row to row, each of the two
 * addresses advances by its pitch in bytes. */
void cosma_dma_start(size_t channel, void *to, const void *from, size_t bytes, size_t rows, size_t to_pitch,
                     size_t from_pitch, size_t tag);

/* Returns when all copies begun with this tag are complete. */
void cosma_dma_wait(size_t tag);

#endif
