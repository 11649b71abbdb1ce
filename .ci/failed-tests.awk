# What `dotnet test` said about each failed test, once more and together: its name, its message and where it came from. At most 10 tests, 24 lines of a message,
# 12 lines of a trace and 500 characters of a line. Suites run side by side, so a line of another one may stand in between.
function show(text) { print (length(text) > 500 ? substr(text, 1, 500) "..." : text) }

/^  Failed .* \[[^]]*\]\r?$/ {
  failed++
  part = ""
  if (failed > 10) next
  print ""
  show($0)
  part = "name"
  next
}
part == "" { next }
/^  Error Message:/ { part = "message"; lines = 24; next }
/^  Stack Trace:/ { part = "trace"; lines = 12; print "  at:"; next }
/^  (Passed|Skipped) .* \[[^]]*\]\r?$/ || /^(Passed|Failed|Skipped)! +-/ || /^  (Standard Output|Standard Error|Debug Traces) Messages:/ { part = ""; next }
/^\[xUnit\.net / || NF == 0 || part == "name" { next }
lines-- > 0 { show($0); next }
lines == -1 { print "     ..." }

END { if (failed > 10) printf "\nand %d more failed tests\n", failed - 10 }
