# Where gdb's `step` and `next` end behind each call of `stop_here`, as text: read by `gdb.rs`.
#
#   walk KIND RETURN NUMBER    by `step` or `next`, from where stop_here(NUMBER) returns to
#   at PC FILE:LINE FUNCTION
#   middle PC FILE:LINE FUNCTION     further code of a line that the thread was in or has returned to
#   call PC FILE:LINE FUNCTION       the line of an inlined call, where the line table has the line that was inlined
#
# FIRST says which of both the calls with even numbers get. STEPS says how many steps a walk has at most: it ends in
# `main`, and in code without lines, too. OUT is where the text goes.
import os

import gdb

STEPS = int(os.environ["STEPS"])
FIRST = int(os.environ["FIRST"])
MOST_FRAMES = 6
WORD = 0xFFFFFFFFFFFFFFFF
KINDS = ("step", "next")

out = open(os.environ["OUT"], "w")


def is_alive():
    thread = gdb.selected_thread()
    return thread is not None and thread.is_valid()


def register(name):
    return int(gdb.newest_frame().read_register(name)) & WORD


def line_of(frame):
    sal = frame.find_sal()
    return "%s:%d" % (os.path.basename(sal.symtab.filename), sal.line) if sal.symtab else "-"


def name_of(frame):
    function = frame.function()
    return function.print_name if function else frame.name() or "?"


def lines_around():
    """The lines that the innermost frames are in: of this place, and of the calls that led here."""
    lines, frame = set(), gdb.newest_frame()
    for _ in range(MOST_FRAMES):
        if frame is None:
            break
        lines.add((line_of(frame), name_of(frame)))
        try:
            frame = frame.older()
        except gdb.error:
            break
    return lines


def here(before):
    """Where the thread is, by the innermost frame that gdb shows: RANK PC FILE:LINE FUNCTION."""
    frame = gdb.newest_frame()
    line, name, pc = line_of(frame), name_of(frame), frame.pc()
    row = gdb.find_pc_line(pc)
    if row.symtab is None or "%s:%d" % (os.path.basename(row.symtab.filename), row.line) != line:
        return "call", pc, line, name
    return "middle" if (line, name) in before else "at", pc, line, name


for line in (
    "set pagination off",
    "set confirm off",
    "set startup-with-shell off",
    "set disable-randomization on",
    "unset environment LINES",
    "unset environment COLUMNS",
    "unset environment STEPS",
    "unset environment FIRST",
    "unset environment OUT",
    "set language c",
    "break *stop_here",
    "set language auto",
    "run",
):
    gdb.execute(line, to_string=True)

def walk(kind):
    """Writes where the thread comes to.

    Where inlined code begins, gdb stops twice or more at one instruction: in the calls first, then in what they call. The
    thread has not moved between, so that the last of these is where the step has led to.
    """
    places = []
    while True:
        last = places[-1] if places else None
        # A step from the last place only tells whether it is the last at its instruction.
        is_last = last is not None and is_end(last) or sum(place[0] == "at" for place in places) == STEPS
        if is_last and kind != "step":
            break
        before = lines_around()
        gdb.execute(kind, to_string=True)
        if not is_alive():
            break
        place = here(before)
        if kind == "step" and last is not None and last[1] == place[1]:
            places[-1] = place
        elif is_last:
            break
        else:
            places.append(place)
    for place in places:
        out.write("%s %x %s %s\n" % place)


def is_end(place):
    return place[2] == "-" or place[0] == "at" and place[3].split("(")[0].split("::")[-1] == "main"


while is_alive():
    number = register("rdi") & 0xFFFFFFFF
    kind = KINDS[(FIRST + number) % 2]
    # The word on top of the stack, at a function's first instruction, is where it returns to.
    memory = gdb.selected_inferior().read_memory(register("rsp"), 8)
    back = int.from_bytes(memory.tobytes(), "little")
    gdb.execute("tbreak *0x%x" % back, to_string=True)
    gdb.execute("continue", to_string=True)
    gdb.execute("disable", to_string=True)
    out.write("walk %s %x %d\n" % (kind, back, number))
    walk(kind)
    if is_alive():
        gdb.execute("enable", to_string=True)
        gdb.execute("continue", to_string=True)
out.write("end\n")
out.close()
