// What the units of `scoped-c` share.
#ifndef FARSIGHT_DEBUGGEE_SCOPED_H
#define FARSIGHT_DEBUGGEE_SCOPED_H

struct Thing;
struct Common;
struct Late;
struct Thing *get_thing(void);
struct Common *get_common(void);
struct Late *late_one(void);
int use_thing(void);

#endif
