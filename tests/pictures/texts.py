"""A real parser of XML on files: a line of JSON for each, with the title, the texts, and all names of elements."""
import json, sys
from xml.dom import minidom

for file in sys.argv[1:]:
    document = minidom.parse(file)
    texts = lambda name: ["".join(child.data for child in node.childNodes) for node in document.getElementsByTagName(name)]
    elements = sorted({node.tagName for node in document.getElementsByTagName("*")})
    print(json.dumps({"title": texts("title"), "texts": texts("text"), "elements": elements}))
