# printf-style formatting.
print("%d %s %r %x %o %X %c" % (42, "s", "r", 255, 8, 255, "A"))
print("%5d|%-5d|%05d|%+d|% d|%s" % (42, 42, 42, 42, 42, None))
print("%f %.2f %10.3f|%-10.1f|%e %g %G" % (3.14159, 3.14159, 3.14159, 3.14159, 31415.9, 0.00001, 1e20))
print("%s" % "one", "%s %%" % 5, "%d%%" % 99.9, "%s" % [1, 2], "%s" % (1,), "%r" % ("t",))
print("%(name)s is %(age)d" % {"name": "Ann", "age": 31})
print("%*d|%.*f" % (6, 42, 2, 3.14159))
print("%10s|%-10s|%.2s|%5.1s|" % ("abc", "abc", "abc", "abc"))
print("%#x %#o %i %u" % (255, 8, 7, 8), "%c" % 97, "%5s" % True)
print("%s and %s" % ("a", 1.5), "%x" % -255, "%.3d" % 7, "%+.1e" % 12345.678)
for template, values in [("%d", "x"), ("%d %d", (1,)), ("%d", (1, 2)), ("%s", ())]:
    try:
        print(template % values)
    except TypeError as error:
        print(error)
