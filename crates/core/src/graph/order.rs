//! The order of derivations: depth first, inputs before users.

/// A depth-first post-order of `0..nodes`: every node stands behind what it needs, near what it shares inputs with.
///
/// Roots are tried in `starts`; inputs in the order of their row. Iterative. Time and space O(V + E).
///
/// # Errors
///
/// A cycle, as its nodes: each needs the next, and the last the first.
pub(super) fn post_order<'a>(starts: &[u32], inputs: impl Fn(u32) -> &'a [u32]) -> Result<Vec<u32>, Vec<u32>> {
    const NEW: u8 = 0;
    const OPEN: u8 = 1;
    const DONE: u8 = 2;
    let mut state = vec![NEW; starts.len()];
    let mut order = Vec::with_capacity(starts.len());
    // A node on the path, and how many of its inputs have been looked at.
    let mut path: Vec<(u32, usize)> = Vec::new();
    for &start in starts {
        if state[start as usize] != NEW {
            continue;
        }
        state[start as usize] = OPEN;
        path.push((start, 0));
        while let Some((node, looked_at)) = path.last_mut() {
            let node = *node;
            let Some(&input) = inputs(node).get(*looked_at) else {
                state[node as usize] = DONE;
                order.push(node);
                path.pop();
                continue;
            };
            *looked_at += 1;
            match state[input as usize] {
                NEW => {
                    state[input as usize] = OPEN;
                    path.push((input, 0));
                }
                OPEN => {
                    let from = path.iter().position(|(open, _)| *open == input).unwrap_or(0);
                    return Err(path[from..].iter().map(|(open, _)| *open).collect());
                }
                _ => {}
            }
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_come_first() {
        let inputs: [&[u32]; 5] = [&[1, 2], &[3], &[3], &[], &[0]];
        assert_eq!(post_order(&[0, 1, 2, 3, 4], |node| inputs[node as usize]), Ok(vec![3, 1, 2, 0, 4]));
    }

    #[test]
    fn cycles_are_named() {
        let inputs: [&[u32]; 4] = [&[1], &[2], &[3], &[1]];
        assert_eq!(post_order(&[0, 1, 2, 3], |node| inputs[node as usize]), Err(vec![1, 2, 3]));
        assert_eq!(post_order(&[0], |_| &[0]), Err(vec![0]));
    }

    #[test]
    fn a_chain_of_a_million_needs_no_stack() {
        let starts: Vec<u32> = (0..1_000_000).collect();
        let inputs: Vec<u32> = (1..1_000_000).collect();
        let chain = std::thread::Builder::new()
            .stack_size(64 << 10)
            .spawn(move || post_order(&starts, |node| inputs.get(node as usize..=node as usize).unwrap_or_default()).map(|order| order[0]));
        assert_eq!(chain.expect("thread starts").join().expect("no overflow"), Ok(999_999));
    }
}
