"""What rustworkx and networkx say of the graphs on standard input, one on each line."""

import json
import sys

import networkx
import rustworkx

for line in sys.stdin:
    question = json.loads(line)
    packages, edges, roots = question["packages"], question["edges"], question["roots"]
    nodes = range(len(packages))

    graph = rustworkx.PyDiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from_no_data([tuple(edge) for edge in edges])
    sizes = [len(rustworkx.descendants(graph, node)) + 1 for node in nodes]

    reached = set(roots).union(*(rustworkx.descendants(graph, root) for root in roots))
    rebuilt = networkx.DiGraph()
    rebuilt.add_nodes_from(reached)
    rebuilt.add_edges_from((a, b) for a, b in edges if a in reached and b in reached)
    levels = [sorted(level) for level in networkx.topological_generations(rebuilt)]

    contracted = networkx.DiGraph()
    contracted.add_edges_from((packages[a], packages[b]) for a, b in rebuilt.edges)
    cycles = [sorted(component) for component in networkx.strongly_connected_components(contracted) if len(component) > 1]

    print(json.dumps({"sizes": sizes, "levels": levels, "cycles": cycles}), flush=True)
