# The format mini-language for integers.
for n in [0, 7, -7, 42, 1234567, -1234567, 255]:
    print(f"{n:5}|{n:<9}|{n:^9}|{n:>9}|{n:09}|{n:+}|{n: }|{n:-}|{n:=+9}|{n:*=9}|{n:,}|{n:_}|")
for n in [0, 10, 255, -255, 65535]:
    print(f"{n:b} {n:o} {n:x} {n:X} {n:#b} {n:#o} {n:#x} {n:#X} {n:08b} {n:#010x} {n:_b} {n:_x}")
for n in [65, 8364, 54620]:
    print(f"{n:c}", f"{n:d}", f"{n:n}")
print(f"{5:.2f} {5:e} {5:g} {5:%} {1234567:g} {12:8.3f}|")
print(f"{1234567:15,}|{1234567:<15,}|{1234567:^15,}|{1234567:015,}|{-1234:010,}|")
print(f"{42:x^10}|{42:0>5}|{42:0<5}|{-42:06}|{+42:+06d}|{3:03d}:{7:02d}")
print(format(42), format(42, "5d"), format(255, "x"), format(-3, "+"), format("s", ">3"))
for spec in ["s", ".3", "z5q", ".2d", ","]:
    try:
        print(format(12345, spec))
    except ValueError as error:
        print("ValueError", str(error)[:14])
