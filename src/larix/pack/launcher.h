/* What the two parts of the launcher know of each other. */

#include <limits.h>

#ifndef STORE
#error "STORE must name the store directory, as in -DSTORE='\"/larix/store\"'"
#endif
#define STORE_LENGTH (sizeof STORE - 1)

extern char root[PATH_MAX]; /* where the pack is; empty when its store is at its place */

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From now on, file names that this process and its children use are changed; 0, or -1 after telling why not. */
int start_traced(void);
