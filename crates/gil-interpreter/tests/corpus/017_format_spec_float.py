# The format mini-language for floats.
values = [0.0, -0.0, 1.0, -1.5, 3.14159265, 1234567.891, 1e-7, 1e20, 0.000123456, 99999.5, 2.5, 3.5]
for v in values:
    print(f"{v:f} {v:.0f} {v:.2f} {v:.3e} {v:E} {v:g} {v:.3g} {v:G} {v:%} {v:.1%}")
for v in values:
    print(f"{v:10}|{v:<12.2f}|{v:^12.2f}|{v:>12.2f}|{v:012.2f}|{v:+.1f}|{v: .1f}|{v:,.2f}|{v:_.1f}")
for v in [float("inf"), float("-inf"), float("nan")]:
    print(f"{v:f} {v:8.2f}|{v:<8}|{v:08.1f}|{v:+}|{v:e}|{v:g}|{v:%}|{v:F}")
print(f"{1e16} {1e16:f} {1e16:g} {1e16:.17g} {0.1:.20f} {0.1:.25g}")
print(f"{123.456:.4} {123.456:.2} {1e10:.3} {5.0:.3} {0.00001:.2}")
print(f"{100.0:g} {1e5:g} {1e6:g} {123456789.0:g} {0.0001:g} {0.00001:g} {1.10:g} {1.0:#g} {2.0:#.3g}")
print(f"{1.0:#.0f} {1234.5:#x}" if False else f"{1.0:#.0f}")
print(f"{0.125:.2f} {0.375:.2f} {2.675:.2f} {1.005:.2f} {0.5:.0f} {1.5:.0f}")
print(f"{3.0:.0e} {12345.678:10.1e}| {-0.001:.1f} {-0.0:g} {1e-10:.3f}")
print(format(2.5, ".1f"), format(1e3, "e"), format(7.0), format(7.25, "8.1f") + "|")
