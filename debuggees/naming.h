// What the units of `naming` share.
#ifndef FARSIGHT_DEBUGGEE_NAMING_H
#define FARSIGHT_DEBUGGEE_NAMING_H

#define NOINLINE __attribute__((noinline))
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")

struct Private;
Private *shared_private();
void *fraction_box();
int whole_box();

#endif
