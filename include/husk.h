/* husk.h - everything. See husk/spec.h, husk/plan.h and husk/apply.h for the three stages; husk/container.h for
 * the OCI operations made of them.
 *
 * One file of a program says `#define _GNU_SOURCE` and `#define HUSK_IMPLEMENTATION` before including this; or link libhusk.
 */
#ifndef HUSK_H
#define HUSK_H
#endif
#include "husk/base.h"
#include "husk/err.h"
#include "husk/arena.h"
#include "husk/json.h"
#include "husk/names.h"
#include "husk/spec.h"
#include "husk/host.h"
#include "husk/op.h"
#include "husk/plan.h"
#include "husk/backends.h"
#include "husk/child.h"
#include "husk/apply.h"
#include "husk/state.h"
#include "husk/container.h"
