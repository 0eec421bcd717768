# What gdb sees of a debuggee each time that it calls `stop_here`, as text: read by `gdb.rs`.
#
#   stop LABEL PC SP
#   frame KIND PC FILE:LINE FUNCTION
#   arg|var NAME VALUE
#   data VALUE        what the pretty printer of its type makes of it, for variables of the caller of `stop_here`
#
# A value is written without spaces: i5 f3ff0000000000000 (the bits of the nearest double) c1,2 (complex) p7ffe0010
# e2:WRITE {x=i1,y=i2} {Some={0=i2}} (a variant of Rust's) [300:i0,i1,...] t68690a (text) and <gone> for what the compiler
# has dropped. STEPS says how many instructions are stepped behind each stop, ONE_IN and FIRST which stops are looked at, OUT
# where the text goes.
import os
import re
import struct
import sys
import unicodedata

import gdb

MOST_ELEMENTS = 40
MOST_DEPTH = 14
MOST_FRAMES = 40
MOST_CHARACTERS = 256
CHARACTERS = ("char", "signed char", "unsigned char", "char8_t", "char16_t", "char32_t", "wchar_t")
STEPS = int(os.environ["STEPS"])
ONE_IN = int(os.environ["ONE_IN"])
FIRST = int(os.environ["FIRST"])
WORD = 0xFFFFFFFFFFFFFFFF
KINDS = {gdb.INLINE_FRAME: "inline", gdb.TAILCALL_FRAME: "tail"}

out = open(os.environ["OUT"], "w")


def gone(error):
    return "<gone>" if "optimized out" in str(error) else "!" + re.sub(r"\W+", "-", str(error))


def hexadecimal(value):
    return value.format_string(format="x", raw=True)


def double(text):
    number = float(text)
    return "nan" if number != number else "%016x" % struct.unpack("<Q", struct.pack("<d", number))[0]


def floating(value, size):
    """By the shortest decimals that mean the number, so that a float is the double that a person would type."""
    if size == 4:
        bits = int(hexadecimal(value), 16) & 0xFFFFFFFF
        number = struct.unpack("<f", struct.pack("<I", bits))[0]
        for digits in range(1, 10):
            text = "%.*g" % (digits, number)
            if number == number and abs(number) != float("inf") and struct.pack("<f", float(text)) == struct.pack("<f", number):
                return double(text)
        return double(str(number))
    if size == 8:
        bits = int(hexadecimal(value), 16) & WORD
        return double(repr(struct.unpack("<d", struct.pack("<Q", bits))[0]))
    return double(value.format_string(raw=True))


def is_text(value, low, count, name):
    """Whether an array of bytes is a text that can be read; but for one of char, with nothing behind it."""
    units = [int(value[index]) & 0xFF for index in range(low, low + min(count, MOST_CHARACTERS))]
    end = units.index(0) if 0 in units else len(units)
    try:
        text = bytes(units[:end]).decode("utf-8")
    except UnicodeDecodeError:
        return False
    usual = "\t\n\r\a\b\v\f\x1b" if name == "char" else "\t\n\r"
    readable = all(one in usual or unicodedata.category(one) != "Cc" for one in text)
    if name == "char":
        return readable
    return readable and text != "" and not any(units[end:])


def text_of(value, low, count):
    """An array of characters, up to its end or its first zero."""
    width = value[low].type.sizeof
    units = []
    for index in range(low, low + min(count, MOST_CHARACTERS)):
        unit = int(value[index]) & ((1 << 8 * width) - 1)
        if unit == 0:
            break
        units.append(unit)
    if width == 1:
        text = bytes(units).decode("utf-8", "replace")
    elif width == 2:
        text = b"".join(struct.pack("<H", unit) for unit in units).decode("utf-16-le", "replace")
    else:
        text = "".join(chr(unit) if unit < 0x110000 and not 0xD800 <= unit < 0xE000 else "\ufffd" for unit in units)
    return "t" + text.encode("utf-8").hex()


def field_name(field):
    if field.is_base_class:
        return "(base)"
    return (field.name or "").replace(" ", "").removeprefix("__")


def together(parts, form):
    """What is in a structure or an array; one of which nothing is there is gone as a whole."""
    last = set(part.rpartition("=")[2] for part in parts)
    # What is of no size is never gone.
    if "<gone>" in last and last <= {"<gone>", "{}"}:
        return "<gone>"
    return form % ",".join(parts)


def written(value, depth=0):
    try:
        type = value.type.strip_typedefs()
        code = type.code
        # Of a structure or an array, parts may be there.
        if value.is_optimized_out and code not in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION, gdb.TYPE_CODE_ARRAY):
            return "<gone>"
        if code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
            if depth >= MOST_DEPTH:
                return "..."
            fields = [field for field in type.fields() if hasattr(field, "bitpos")]
            # What tells the variants of one of Rust's enumerations apart.
            if fields and fields[0].name is None and fields[0].artificial:
                fields = fields[1:]
            if not fields and "incomplete type" in value.format_string(raw=True):
                return "<incomplete>"
            # gdb 13 fails for good when it is asked for a base of what is in pieces and not read yet.
            if value.is_lazy and any(field.is_base_class for field in fields):
                value.fetch_lazy()
            parts = ["%s=%s" % (field_name(field), written(value[field], depth + 1)) for field in fields]
            return together(parts, "{%s}")
        if code == gdb.TYPE_CODE_ARRAY:
            low, high = type.range()
            count = high - low + 1
            name = type.target().strip_typedefs().name
            if name in CHARACTERS and (value[low].type.sizeof > 1 or is_text(value, low, count, name)):
                return text_of(value, low, count)
            if depth >= MOST_DEPTH:
                return "..."
            shown = range(low, low + min(count, MOST_ELEMENTS))
            return together([written(value[index], depth + 1) for index in shown], "[%d:%%s]" % count)
        if code == gdb.TYPE_CODE_PTR:
            return "p%x" % (int(value) & WORD)
        if code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
            address = value.referenced_value().address
            return "p?" if address is None else "p%x" % (int(address) & WORD)
        if code == gdb.TYPE_CODE_FLT:
            return "f" + floating(value, type.sizeof)
        if code == gdb.TYPE_CODE_COMPLEX:
            real, imaginary = re.match(r"(\S+) \+ (\S+)i", value.format_string(raw=True)).groups()
            return "c%s,%s" % (double(real), double(imaginary))
        if code == gdb.TYPE_CODE_ENUM:
            names = [field.name for field in type.fields() if field.enumval == int(value)]
            return "e%d%s" % (int(value), ":" + names[0].split("::")[-1] if names else "")
        if type.sizeof == 0:
            return "{}"
        if code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR, gdb.TYPE_CODE_BOOL):
            if type.sizeof > 8:
                bits = int(hexadecimal(value), 16)
                is_signed = not re.search("unsigned|u128", type.name or "")
                return "i%d" % (bits - (1 << 128) if is_signed and bits >> 127 else bits)
            return "i%d" % int(value)
        if code == gdb.TYPE_CODE_MEMBERPTR:
            return "i%d" % int(value.cast(gdb.lookup_type("long")))
        if code == gdb.TYPE_CODE_METHODPTR:
            memory = gdb.selected_inferior().read_memory(value.address, 8)
            return "p%x" % int.from_bytes(memory.tobytes(), "little")
        if code == gdb.TYPE_CODE_VOID:
            return "void"
        if code == gdb.TYPE_CODE_FUNC:
            return "p%x" % int(value.address)
        return "code%d" % code
    except (gdb.error, ValueError, TypeError) as error:
        return gone(error)


class NoData(Exception):
    """Something that a printer tells in words only."""


def whole_text(text):
    """A string as a printer tells it, with its zeros."""
    if isinstance(text, str):
        return text
    value, length = text.value(), text.length
    if length < 0:
        raise NoData
    width = value[0].type.sizeof if length else 1
    units = (int(value[index]) & ((1 << 8 * width) - 1) for index in range(length))
    raw = b"".join(unit.to_bytes(width, "little") for unit in units)
    return raw.decode({1: "utf-8", 2: "utf-16-le", 4: "utf-32-le"}[width], "replace")


def key_of(value):
    printer = gdb.default_visualizer(value)
    if printer is not None:
        return '"%s"' % whole_text(printer.to_string())
    if value.type.strip_typedefs().name == "char":
        return "'%c'" % int(value)
    return "%d" % int(value)


def data(value, depth=0):
    """What a value holds: by its type's printer, and by the printers of what is in it."""
    if not isinstance(value, gdb.Value):
        return "i%d" % int(value)
    printer = gdb.default_visualizer(value)
    type = value.type.strip_typedefs().unqualified()
    if printer is None:
        if type.code == gdb.TYPE_CODE_STRUCT and depth < MOST_DEPTH:
            fields = [field for field in type.fields() if hasattr(field, "bitpos")]
            # A library's own types are shown by printers or not at all.
            if re.match(r"(std|core|alloc|hashbrown)::", type.name or "std::"):
                raise NoData
            if not fields or any(field.is_base_class or field.artificial for field in fields):
                raise NoData
            return "{%s}" % ",".join("%s=%s" % (field_name(field), data(value[field], depth + 1)) for field in fields)
        return written(value)
    hint = getattr(printer, "display_hint", lambda: None)()
    if hint == "string":
        return "t" + whole_text(printer.to_string()).encode("utf-8").hex()
    if not hasattr(printer, "children"):
        raise NoData
    children = list(printer.children())
    name = re.sub(r"std::__cxx11::", "std::", type.name or "")
    if re.match(r"std::(optional|variant)<", name):
        return data(children[0][1], depth + 1) if children else "none"
    if re.match(r"std::(unique_ptr|shared_ptr|weak_ptr)<", name):
        pointer = children[0][1] if children else 0
        return "p%x" % (int(pointer) & WORD) if int(pointer) else "none"
    if re.match(r"core::cell::Cell<", name):
        return data(children[0][1], depth + 1)
    # What has no size of its own is told as its first element.
    if re.match(r"alloc::(rc::Rc|sync::Arc)<(str|\[|dyn )", name):
        raise NoData
    if re.match(r"std::pair<|(alloc|core|std)::(rc|sync|cell)::", name):
        return "{%s}" % ",".join("%s=%s" % (part, data(held, depth + 1)) for part, held in children)
    if hint == "map":
        held = [held for _, held in children]
        pairs = list(zip(held[::2], held[1::2]))
        shown = ["%s>%s" % (key_of(key), data(of, depth + 1)) for key, of in pairs[:MOST_ELEMENTS]]
        return "[%d:%s]" % (len(pairs), ",".join(shown))
    shown = [data(held, depth + 1) for _, held in children[:MOST_ELEMENTS]]
    return "[%d:%s]" % (len(children), ",".join(shown))


def whole_data(value):
    """None for what has no printer, or what a printer cannot tell all of."""
    try:
        text = data(value) if gdb.default_visualizer(value) is not None else None
    except Exception:
        return None
    return None if text is None or "<gone>" in text or "!" in text else text


def variables(frame, is_whole):
    try:
        block = frame.block()
    except RuntimeError:
        return
    seen = set()
    while block is not None:
        for symbol in block:
            # A name means the innermost of its variables.
            is_value = symbol.is_argument or symbol.is_variable or symbol.is_constant
            if is_value and symbol.print_name not in seen:
                seen.add(symbol.print_name)
                kind = "arg" if symbol.is_argument else "var"
                try:
                    # Which gdb takes for a `void`.
                    is_null = symbol.type.strip_typedefs().name == "decltype(nullptr)"
                    text = "p0" if is_null else written(symbol.value(frame))
                except (gdb.error, ValueError) as error:
                    text = gone(error)
                out.write("%s %s %s\n" % (kind, symbol.print_name, text))
                if is_whole and text != "<gone>":
                    held = None if is_null else whole_data(symbol.value(frame))
                    if held is not None:
                        out.write("data %s\n" % held)
        if block.function is not None:
            break
        block = block.superblock


def dump(label):
    frame = gdb.newest_frame()
    out.write("stop %s %x %x\n" % (label, frame.pc(), int(frame.read_register("rsp")) & WORD))
    for level in range(MOST_FRAMES):
        sal = frame.find_sal()
        place = "%s:%d" % (os.path.basename(sal.symtab.filename), sal.line) if sal.symtab else "-"
        function = frame.function()
        name = function.print_name if function else frame.name() or "?"
        out.write("frame %s %x %s %s\n" % (KINDS.get(frame.type(), "real"), frame.pc(), place, name))
        is_own = function and function.symtab.objfile.filename == gdb.current_progspace().filename
        if is_own:
            frame.select()
            variables(frame, level == 1 and "+" not in label)
        try:
            frame = frame.older()
        except gdb.error:
            break
        if frame is None:
            break


def add_printers():
    """Those of Rust's library; those of C++'s come with the library itself."""
    sys.path.insert(0, os.environ["PRINTERS"])
    try:
        import gdb_lookup

        gdb_lookup.register_printers(gdb)
    except Exception as error:
        sys.stderr.write("no printers of Rust: %s\n" % error)


def is_alive():
    thread = gdb.selected_thread()
    return thread is not None and thread.is_valid()


for line in (
    "set pagination off",
    "set confirm off",
    "set backtrace past-main on",
    "set startup-with-shell off",
    "set disable-randomization on",
    "unset environment LINES",
    "unset environment COLUMNS",
    "unset environment STEPS",
    "unset environment ONE_IN",
    "unset environment FIRST",
    "unset environment PRINTERS",
    "unset environment OUT",
    "set language c",
    "break *stop_here",
    "set language auto",
    "run",
):
    gdb.execute(line, to_string=True)

add_printers()
stops = 0
while is_alive():
    if stops % ONE_IN == FIRST:
        dump(str(stops))
        # The word on top of the stack, at a function's first instruction, is where it returns to.
        stack = int(gdb.newest_frame().read_register("rsp")) & WORD
        memory = gdb.selected_inferior().read_memory(stack, 8)
        gdb.execute("tbreak *0x%x" % int.from_bytes(memory.tobytes(), "little"), to_string=True)
        gdb.execute("continue", to_string=True)
        for step in range(STEPS):
            dump("%d+%d" % (stops, step))
            gdb.execute("stepi", to_string=True)
    stops += 1
    gdb.execute("continue", to_string=True)
out.write("end\n")
out.close()
