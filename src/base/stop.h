/* The stop flag: one of the two mutable globals. Set by the signal handler, read everywhere. */
#ifndef TAF_BASE_STOP_H
#define TAF_BASE_STOP_H

enum stop_level { STOP_NONE, STOP_FINISH, STOP_DROP }; /* finish what is in flight; drop it */

/** Install handlers for SIGINT, SIGTERM, SIGHUP (each raises the level by one) and ignore SIGPIPE. */
void stop_install(void);
enum stop_level stop_level(void);
/** Raise the level to at least `level`; STOP_NONE forgets all (for tests). */
void stop_request(enum stop_level level);
/** A descriptor that becomes readable when the level rises, to poll on; -1 before stop_install. */
int stop_fd(void);

#endif
