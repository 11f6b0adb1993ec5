/* The op table's parts agree: who may run a kind, and who knows how. */
#define HUSK_IMPLEMENTATION
#include "husk.h"

#include "tap.h"

/* But for spawn, which begins the child, and the gate, where the parent stops. */
int main(void)
{
    for (uint32_t kind = 0; kind < HUSK_OP_COUNT; kind++) {
        uint8_t rule = husk__op_rules[kind];
        const char *name = husk_op_name((enum husk_op_kind)kind);
        if (kind != HUSK_OP_SPAWN)
            tap_ok(!(rule & (HUSK__C | HUSK__B)) == !husk__child_does[kind], "%s: the child knows how", name);
        if (kind != HUSK_OP_GATE)
            tap_ok(!(rule & (HUSK__P | HUSK__B)) == !husk__parent_does[kind], "%s: the parent knows how", name);
    }
    return tap_done();
}
