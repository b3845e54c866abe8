# refused: 3:9 type()
print("must not run")
Point = type("Point", (), {"x": 1})
print(Point.x)
