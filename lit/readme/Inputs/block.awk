# Prints the fenced block of a Markdown file whose info string has `name` as its second word.
$0 == "```" { on = 0 }
on
/^```/ && $2 == name { on = 1 }
