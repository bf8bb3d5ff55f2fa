/* Named points at which a test makes the process die, as kill -9 would: TAF_CRASH="before-commit:3" dies when that point is passed the
 * third time. Costs one comparison when the variable is not set. */
#ifndef TAF_BASE_FAULT_H
#define TAF_BASE_FAULT_H

void fault_point(const char *name);

#endif
