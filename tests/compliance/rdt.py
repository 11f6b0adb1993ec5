"""rdt.py - Intel RDT. Few machines have it: plans for one that does. tests/apply/test_rdt.c carries them out on a tree
that looks like resctrl."""
from kit import *

HOST = "v2-rdt"
ROOT = "/sys/fs/resctrl"
ID = "demo"                             # of husk-plan's container


def rdt(**members):
    config = spec()
    config["linux"]["intelRdt"] = members
    return config


def planned(t, *options, **members):
    return plan(t, rdt(**members), HOST, *options)


def schemata(t, **members):
    return planned(t, **members).writes("schemata")


def touches(p):
    """Operations below resctrl: (kind, path below it)."""
    return [(op["do"], op["path"][len(ROOT):]) for op in p.ops if str(op.get("path", "")).startswith(ROOT)]


def joins(p):
    """Groups that the child adds itself to, in order."""
    slots = {op["slot"]: op["path"] for op in p.find("open") if op["path"].startswith(ROOT)}
    found = [slots[op["path"]] for op in p.find("write", who="child", data="0") if op["path"] in slots]
    return [path[len(ROOT):-len("/tasks")] for path in found if path.endswith("/tasks")]


@row("RDT-01")
def the_process_is_in_the_group(t):
    p = planned(t, closID="gold", memBwSchema="MB:0=10")
    t.eq(joins(p), ["/gold"])
    spawn, joined = p.one("spawn")["op"], p.find("write", who="child", data="0")[-1]["op"]
    t.ok(spawn < joined < p.one("exec")["op"])
    t.eq(joins(planned(t, "--action", "exec", closID="gold", memBwSchema="MB:0=10")), ["/gold"], "exec joins, too")


@row("RDT-02")
def without_resctrl(t):
    if os.path.ismount(ROOT):
        no_plan(t, rdt(memBwSchema="MB:0=10"), "/linux/intelRdt", host="v2")
    else:
        refused(t, rdt(memBwSchema="MB:0=10"), "/linux/intelRdt", "resctrl")


@row("RDT-03")
def absent(t):
    t.eq(touches(plan(t, spec(), HOST)), [])
    t.ok(touches(planned(t)), "but an empty object is a request")


@row("RDT-04")
def the_directory(t):
    t.eq(touches(planned(t))[:1], [("mkdir", "/" + ID)])
    t.eq(joins(planned(t)), ["/" + ID])
    t.eq(joins(planned(t, closID="gold")), ["/gold"])


@row("RDT-05")
def the_default_group(t):
    p = planned(t, closID="/")
    t.eq((joins(p), touches(p)), ([""], [("open", "/tasks")]))


@row("RDT-06")
def what_is_no_directory(t):
    for bad in (".", "..", "a/b", "/a", "a/", "//"):
        refused(t, rdt(closID=bad), "/linux/intelRdt/closID")


@row("RDT-07")
def cache_then_bandwidth(t):
    t.eq(schemata(t, memBwSchema="MB:0=20", l3CacheSchema="L3:0=f"), ["L3:0=f\nMB:0=20\n"])


@row("RDT-08")
def one_of_them(t):
    t.eq(schemata(t, memBwSchema="MB:0=20"), ["MB:0=20\n"])
    t.eq(schemata(t, l3CacheSchema="L3:0=f"), ["L3:0=f\n"])


@row("RDT-09")
def further_lines(t):
    t.eq(schemata(t, memBwSchema="MB:0=20", l3CacheSchema="L3:0=f", schemata=["L2:0=1", "L3CODE:0=3"]),
         ["L3:0=f\nMB:0=20\nL2:0=1\nL3CODE:0=3\n"])
    refused(t, rdt(schemata=["L2:0=1\nL3:0=1"]), "/linux/intelRdt/schemata/0")


@row("RDT-10")
def nothing_to_write(t):
    t.eq(schemata(t), [])
    t.eq(schemata(t, enableMonitoring=True), [])
    t.eq(len(schemata(t, l3CacheSchema="L3:0=f")), 1)


@row("RDT-11")
def a_cache_schema(t):
    t.eq(schemata(t, l3CacheSchema="L3:0=f\nMB:0=99", memBwSchema="MB:0=20"), ["L3:0=f\nMB:0=20\n"])
    for odd in ("0=f", "L3:0=f\nL3:1=f"):
        t.has(str(planned(t, l3CacheSchema=odd).notes), "/linux/intelRdt/l3CacheSchema")
    t.ok("l3CacheSchema" not in str(planned(t, l3CacheSchema="L3:0=f").notes))


@row("RDT-12")
def a_bandwidth_schema(t):
    for bad in ("0=20", "L3:0=1", "MB:0=20\n", "MB:0=1\nMB:1=1"):
        refused(t, rdt(memBwSchema=bad), "/linux/intelRdt/memBwSchema")
    t.eq(schemata(t, memBwSchema="MB:0=20"), ["MB:0=20\n"])


@row("RDT-13")
def a_missing_class_is_made(t):
    made = planned(t, closID="gold", l3CacheSchema="L3:0=f").one("mkdir", path=ROOT + "/gold")
    t.eq(made["excl"], True)


@row("RDT-14")
def a_class_that_is_there_is_compared(t):
    p = planned(t, closID="gold", l3CacheSchema="L3:0=f")
    made, check = p.one("mkdir", path=ROOT + "/gold"), p.one("check", path=ROOT + "/gold/schemata")
    t.eq((made["on_fail"], made["op"] + 1), ({"do": "else", "count": 1, "errnos": ["EEXIST"]}, check["op"]))
    t.eq(check["text"], "L3:0=f\n")
    t.ok("on_fail" not in check)


@row("RDT-15")
def a_class_alone_has_to_be_there(t):
    t.eq(touches(planned(t, closID="gold")), [("open", "/gold/tasks")])
    t.eq(joins(planned(t, closID="gold")), ["/gold"])


@row("RDT-16")
def what_goes_with_the_container(t):
    def undone(**members):
        return [op["path"] for op in planned(t, **members).find("mkdir", undo=True) if op["path"].startswith(ROOT)]
    t.eq(undone(memBwSchema="MB:0=1"), [ROOT + "/" + ID])
    t.eq(undone(closID="gold", memBwSchema="MB:0=1"), [])


@row("RDT-17")
def monitoring(t):
    for members, below in (({}, "/" + ID), ({"closID": "gold"}, "/gold"), ({"closID": "/"}, "")):
        p = planned(t, enableMonitoring=True, **members)
        group = "%s/mon_groups/%s" % (below, ID)
        made = p.one("mkdir", path=ROOT + group)
        t.eq((made["undo"], "on_fail" in made), (True, False))
        t.eq(joins(p), [below, group], "the control group first")
    t.eq([op for op in touches(planned(t, closID="gold")) if "mon_groups" in op[1]], [])


@row("RDT-18")
def older_members_mean_nothing(t):
    t.eq(planned(t, enableCMT=True, enableMBM=True).ops, planned(t).ops)
