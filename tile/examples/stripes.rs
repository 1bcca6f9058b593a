//! Throw-away: networks as text, by kind and shape.
use cosma_planner::{Bytes, Deadline, GraphBuilder, Machine, Problem, TensorId};
use cosma_tile::*;
use std::collections::HashMap;
use std::time::{Duration, Instant};

fn dims(text: &str) -> Shape {
    let inner = &text[text.find('<').unwrap() + 1..text.find('>').unwrap()];
    let parts: Vec<&str> = inner.split('x').collect();
    let bits = parts.last().unwrap().trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
    Shape { dims: parts[..parts.len() - 1].iter().map(|it| it.parse().unwrap()).collect(), element_bits: bits }
}
fn d(i: usize) -> Expr {
    Expr::dim(i)
}
fn e(terms: &[(usize, i64)], constant: i64, divisor: u64) -> Expr {
    Expr { terms: terms.to_vec(), constant, divisor }
}
const P: DimKind = DimKind::Parallel;
const R: DimKind = DimKind::Reduced { splittable: true };
fn dim(size: u64, kind: DimKind) -> Dim {
    Dim { size, kind }
}

fn conv_axes(out: u64, inn: u64, k: u64) -> (i64, i64, u64, u64) {
    // stride, padding, divisor, kernel
    if out <= inn {
        let s = ((inn as f64 / out as f64).round() as u64).max(1);
        let need = (out - 1) * s + k;
        let total = need.saturating_sub(inn);
        (s as i64, (total.div_ceil(2).max(if need >= inn { 0 } else { 0 })) as i64, 1, k)
    } else {
        (1, 0, out / inn, 1)
    }
}

fn access(kind: &str, ins: &[Shape], weights: &[bool], outs: &[Shape]) -> (Option<Access>, bool) {
    let o = &outs[0].dims;
    let ident = |n: usize| -> Vec<Expr> { (0..n).map(d).collect() };
    let all = |s: &Shape, domain: &mut Vec<Dim>| -> Map {
        Map(s
            .dims
            .iter()
            .map(|n| {
                domain.push(dim(*n, DimKind::Reduced { splittable: false }));
                d(domain.len() - 1)
            })
            .collect())
    };
    let broadcast = |s: &Shape, o: &[u64], domain: &mut Vec<Dim>| -> Map {
        let r = s.dims.len();
        if r <= o.len() && s.dims.iter().enumerate().all(|(i, n)| *n == o[o.len() - r + i] || *n == 1) {
            Map(s
                .dims
                .iter()
                .enumerate()
                .map(|(i, n)| if *n == 1 { Expr::constant(0) } else { d(o.len() - r + i) })
                .collect())
        } else if r == 1 && o.len() >= 2 && s.dims[0] == o[1] {
            Map(vec![d(1)])
        } else {
            Map(s
                .dims
                .iter()
                .map(|n| {
                    domain.push(dim(*n, DimKind::Reduced { splittable: false }));
                    d(domain.len() - 1)
                })
                .collect())
        }
    };
    match kind {
        "Conv" | "MaxPool" | "AveragePool" if o.len() == 4 && ins[0].dims.len() == 4 => {
            let x = &ins[0].dims;
            let w = if kind == "Conv" { Some(&ins[1].dims) } else { None };
            let (kh, kw) = w.map_or_else(
                || if x[2] == o[2] || x[2] > 1 { (3.min(x[2]), 3.min(x[3])) } else { (1, 1) },
                |w| (w[2], w[3]),
            );
            let (sh, ph, _, kh) = conv_axes(o[2], x[2], kh);
            let (sw, pw, _, kw) = conv_axes(o[3], x[3], kw);
            let mut domain: Vec<Dim> = o.iter().map(|n| dim(*n, P)).collect();
            domain.push(dim(kh, R));
            domain.push(dim(kw, R));
            let mut maps = Vec::new();
            let channel;
            if let Some(w) = w {
                let groups = x[1] / w[1].max(1);
                let per = o[1] / groups.max(1);
                domain.push(dim(w[1], R));
                if groups <= 1 {
                    channel = d(6);
                } else if w[1] == 1 {
                    channel = e(&[(1, 1)], 0, per.max(1));
                } else {
                    // groups: floor(c/per)*w1 + i: approximate by a slack dim
                    domain.push(dim(per, DimKind::Reduced { splittable: false }));
                    if per == w[1] {
                        channel = e(&[(1, 1), (7, -1), (6, 1)], 0, 1);
                    } else {
                        channel = e(&[(1, w[1] as i64), (7, -(w[1] as i64)), (6, per as i64)], 0, per);
                    }
                }
            } else {
                channel = d(1);
            }
            maps.push(Map(vec![d(0), channel, e(&[(2, sh), (4, 1)], -ph, 1), e(&[(3, sw), (5, 1)], -pw, 1)]));
            if w.is_some() {
                maps.push(Map(vec![d(1), d(6), d(4), d(5)]));
            }
            for s in &ins[maps.len()..] {
                let m = broadcast(s, o, &mut domain);
                maps.push(m);
            }
            (Some(Access { domain, operands: maps, results: vec![Map(ident(4))] }), false)
        }
        "Concat" => {
            let axis = (0..o.len()).find(|a| ins.iter().any(|s| s.dims[*a] != o[*a])).unwrap_or(0);
            let mut at = 0;
            let maps = ins
                .iter()
                .map(|s| {
                    let mut m = ident(o.len());
                    m[axis].constant = -at;
                    at += s.dims[axis] as i64;
                    Map(m)
                })
                .collect();
            (
                Some(Access {
                    domain: o.iter().map(|n| dim(*n, P)).collect(),
                    operands: maps,
                    results: vec![Map(ident(o.len()))],
                }),
                true,
            )
        }
        "Split" => {
            let x = &ins[0].dims;
            let axis = (0..x.len()).find(|a| o[*a] != x[*a]).unwrap_or(0);
            let mut at = 0;
            let maps = outs
                .iter()
                .map(|s| {
                    let mut m = ident(x.len());
                    m[axis].constant = -at;
                    at += s.dims[axis] as i64;
                    Map(m)
                })
                .collect();
            (
                Some(Access {
                    domain: x.iter().map(|n| dim(*n, P)).collect(),
                    operands: vec![Map(ident(x.len()))],
                    results: maps,
                }),
                true,
            )
        }
        "Slice" if ins[0].dims.len() == o.len() => {
            let x = &ins[0].dims;
            let m = (0..o.len()).map(|a| if o[a] == x[a] { d(a) } else { d(a) }).collect();
            (
                Some(Access {
                    domain: o.iter().map(|n| dim(*n, P)).collect(),
                    operands: vec![Map(m)],
                    results: vec![Map(ident(o.len()))],
                }),
                true,
            )
        }
        "GlobalAveragePool" | "ReduceMean" if ins[0].dims.len() == o.len() => {
            let x = &ins[0].dims;
            let domain = x.iter().zip(o).map(|(n, k)| dim(*n, if n == k { P } else { R })).collect();
            let result =
                o.iter().zip(x).enumerate().map(|(i, (n, k))| if n == k { d(i) } else { Expr::constant(0) }).collect();
            (Some(Access { domain, operands: vec![Map(ident(x.len()))], results: vec![Map(result)] }), false)
        }
        "MatMul" | "Gemm" if ins[0].dims.len() >= 2 && ins[1].dims.len() >= 2 => {
            let (a, b) = (&ins[0].dims, &ins[1].dims);
            let k = a[a.len() - 1];
            let r = o.len();
            let mut domain: Vec<Dim> = o.iter().map(|n| dim(*n, P)).collect();
            domain.push(dim(k, R));
            if a.len() == 4 && r == 2 && ins[1].dims == [o[1], a[1] * a[2] * a[3]] {
                domain[r].size = a[1];
                domain.push(dim(a[2], R));
                domain.push(dim(a[3], R));
                let mut maps = vec![
                    Map(vec![d(0), d(2), d(3), d(4)]),
                    Map(vec![d(1), e(&[(2, (a[2] * a[3]) as i64), (3, a[3] as i64), (4, 1)], 0, 1)]),
                ];
                for s in &ins[2..] {
                    let m = broadcast(s, o, &mut domain);
                    maps.push(m);
                }
                return (Some(Access { domain, operands: maps, results: vec![Map(ident(r))] }), false);
            }
            if a.len() != r {
                return (None, false);
            }
            let mut am = ident(r);
            am[r - 1] = d(r);
            for i in 0..r - 1 {
                if a[i] == 1 {
                    am[i] = Expr::constant(0)
                }
            }
            let bl = b.len();
            let mut bm: Vec<Expr> = (0..bl)
                .map(|i| {
                    if i + r >= bl {
                        if b[i] == 1 { Expr::constant(0) } else { d(i + r - bl) }
                    } else {
                        Expr::constant(0)
                    }
                })
                .collect();
            if b[bl - 2] == k && b[bl - 1] == o[r - 1] {
                bm[bl - 2] = d(r);
                bm[bl - 1] = d(r - 1);
            } else if b[bl - 1] == k && b[bl - 2] == o[r - 1] {
                bm[bl - 1] = d(r);
                bm[bl - 2] = d(r - 1);
            } else {
                return (None, false);
            }
            let mut maps = vec![Map(am), Map(bm)];
            for s in &ins[2..] {
                let m = broadcast(s, o, &mut domain);
                maps.push(m);
            }
            (Some(Access { domain, operands: maps, results: vec![Map(ident(r))] }), false)
        }
        "Gather" if ins[0].dims.len() == 2 && o.len() == 3 && o[2] == ins[0].dims[1] => {
            let mut domain: Vec<Dim> = o.iter().map(|n| dim(*n, P)).collect();
            domain.push(dim(ins[0].dims[0], DimKind::Reduced { splittable: false }));
            let mut maps = vec![Map(vec![d(3), d(2)])];
            for s in &ins[1..] {
                maps.push(if s.dims.len() == 2 { Map(vec![d(0), d(1)]) } else { all(s, &mut domain) });
            }
            (Some(Access { domain, operands: maps, results: vec![Map(ident(3))] }), false)
        }
        "Softmax" | "LayerNormalization" => {
            let r = o.len();
            let mut domain: Vec<Dim> =
                o.iter().enumerate().map(|(i, n)| dim(*n, if i + 1 == r { DimKind::Whole } else { P })).collect();
            let maps = ins.iter().map(|s| broadcast(s, o, &mut domain)).collect();
            (Some(Access { domain, operands: maps, results: vec![Map(ident(r))] }), false)
        }
        "Transpose" => {
            let x = &ins[0].dims;
            if x.len() == o.len() {
                let mut used = vec![false; o.len()];
                let perm: Option<Vec<usize>> = x
                    .iter()
                    .enumerate()
                    .map(|(i, n)| {
                        let pick = if x == o {
                            None
                        } else {
                            (0..o.len()).find(|j| !used[*j] && o[*j] == *n && (i != *j || x[i] == o[i]))
                        };
                        pick.inspect(|j| used[*j] = true)
                    })
                    .collect();
                if let Some(perm) = perm {
                    return (
                        Some(Access {
                            domain: o.iter().map(|n| dim(*n, P)).collect(),
                            operands: vec![Map(perm.iter().map(|j| d(*j)).collect())],
                            results: vec![Map(ident(o.len()))],
                        }),
                        true,
                    );
                }
            }
            // reshape + transpose of [b, s, h*d] to [b, h, s, d], or back, or [b, h, d, s]
            if x.len() == 3 && o.len() == 4 && x[2] == o[1] * o[3] && x[1] == o[2] {
                return (
                    Some(Access {
                        domain: o.iter().map(|n| dim(*n, P)).collect(),
                        operands: vec![Map(vec![d(0), d(2), e(&[(1, o[3] as i64), (3, 1)], 0, 1)])],
                        results: vec![Map(ident(4))],
                    }),
                    true,
                );
            }
            if x.len() == 3 && o.len() == 4 && x[2] == o[1] * o[2] && x[1] == o[3] {
                return (
                    Some(Access {
                        domain: o.iter().map(|n| dim(*n, P)).collect(),
                        operands: vec![Map(vec![d(0), d(3), e(&[(1, o[2] as i64), (2, 1)], 0, 1)])],
                        results: vec![Map(ident(4))],
                    }),
                    true,
                );
            }
            if x.len() == 4 && o.len() == 3 && o[2] == x[1] * x[3] && o[1] == x[2] {
                let mut domain: Vec<Dim> = o.iter().map(|n| dim(*n, P)).collect();
                domain.push(dim(x[3], R));
                return (
                    Some(Access {
                        domain,
                        operands: vec![Map(vec![d(0), e(&[(2, 1)], 0, x[3]), d(1), d(3)])],
                        results: vec![Map(ident(3))],
                    }),
                    true,
                );
            }
            (None, false)
        }
        "Resize" if ins[0].dims.len() == 4 && o.len() == 4 => {
            let x = &ins[0].dims;
            let m = (0..4).map(|i| if x[i] == o[i] { d(i) } else { e(&[(i, 1)], 0, o[i] / x[i].max(1)) }).collect();
            if (0..4).any(|i| o[i] % x[i] != 0) {
                return (None, false);
            }
            (
                Some(Access {
                    domain: o.iter().map(|n| dim(*n, P)).collect(),
                    operands: vec![Map(m)],
                    results: vec![Map(ident(4))],
                }),
                false,
            )
        }
        "Add" | "Mul" | "Relu" | "Ew" | "Div" | "Clip" | "Cast" if outs.len() == 1 => {
            let mut domain: Vec<Dim> = o.iter().map(|n| dim(*n, P)).collect();
            let maps = ins.iter().map(|s| broadcast(s, o, &mut domain)).collect();
            (Some(Access { domain, operands: maps, results: vec![Map(ident(o.len()))] }), false)
        }
        _ => {
            let _ = (weights, all);
            (None, false)
        }
    }
}

pub fn load(text: &str, machine: Machine) -> Network {
    let mut b = GraphBuilder::new();
    let mut ids: HashMap<String, TensorId> = HashMap::new();
    let mut shapes = Vec::new();
    let mut is_w = Vec::new();
    let mut operators = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with('%') && !line.contains('=')
            || line.starts_with("%") && line.contains(": tensor<") && !line.contains("cosma.op")
        {
            let (name, rest) = line.split_once(':').unwrap();
            let shape = dims(rest);
            let w = rest.contains("cosma.weight");
            let id = if w { b.weight(name, shape.bytes()) } else { b.argument(name, shape.bytes()) };
            ids.insert(name.into(), id);
            shapes.push(shape);
            is_w.push(w);
        } else if line.contains("\"cosma.op\"") {
            let (res, rest) = line.split_once(" = ").unwrap();
            let (res, count) = res.split_once(':').map_or((res, 1), |(r, c)| (r, c.parse().unwrap()));
            let args = &rest[rest.find('(').unwrap() + 1..rest.find(')').unwrap()];
            let operands: Vec<TensorId> = args
                .split(',')
                .map(|it| it.trim())
                .filter(|it| !it.is_empty())
                .map(|it| *ids.get(it).unwrap_or_else(|| panic!("{it}")))
                .collect();
            let kind = rest.split("kind = \"").nth(1).unwrap().split('"').next().unwrap();
            let types = rest.rsplit_once("->").unwrap().1;
            let outs: Vec<Shape> = types.split("tensor").skip(1).map(|t| dims(t)).collect();
            let names: Vec<String> =
                if count == 1 { vec![res.to_string()] } else { (0..count).map(|i| format!("{res}#{i}")).collect() };
            let ins: Vec<Shape> = operands.iter().map(|it| shapes[it.index()].clone()).collect();
            let ws: Vec<bool> = operands.iter().map(|it| is_w[it.index()]).collect();
            let (acc, is_view) = access(kind, &ins, &ws, &outs);
            let acc = acc.filter(|a| match a.check(&ins, &outs) {
                Ok(()) => true,
                Err(err) => {
                    eprintln!("{kind} {res}: {err}");
                    false
                }
            });
            let writes = b.op(
                format!("{kind}:{res}"),
                &operands,
                names.iter().zip(&outs).map(|(n, s)| (n.clone(), s.bytes())),
                Bytes::ZERO,
            );
            for (n, (id, s)) in names.iter().zip(writes.iter().zip(&outs)) {
                ids.insert(n.clone(), *id);
                shapes.push(s.clone());
                is_w.push(false);
            }
            if matches!(kind, "Add" | "Mul" | "Relu" | "Ew" | "Div" | "Clip" | "Cast") || kind == "Conv" {
                for (i, x) in operands.iter().enumerate() {
                    if (kind != "Conv" || i >= 2) && ins[i] == outs[0] && !ws[i] {
                        b.in_place(writes[0], *x);
                    }
                }
            }
            operators.push(Operator {
                operands,
                results: writes,
                access: acc.clone(),
                is_view: is_view && acc.is_some(),
            });
        } else if line.starts_with("return") {
            for n in line.trim_start_matches("return").split(':').next().unwrap().split(',') {
                b.result(ids[n.trim()]);
            }
        }
    }
    Network { problem: Problem { graph: b.build().unwrap(), machine }, shapes, operators }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let align: u64 = std::env::var("ALIGN").ok().map_or(64, |it| it.parse().unwrap());
    for size in args[1].split(',') {
        for path in &args[2..] {
            let name = path.rsplit('/').next().unwrap().trim_end_matches(".mlir");
            let network = load(
                &std::fs::read_to_string(path).unwrap(),
                Machine::with_host(Bytes(size.parse::<u64>().unwrap() * 1024), Bytes(align)),
            );
            let at = Instant::now();
            if std::env::var("TILE").is_ok() {
                match tile(&network, Deadline::after(Duration::from_secs(60))) {
                    Ok(it) => println!(
                        "{name} {size} family {} planned {} tiles {} pieces {} {:.2}s",
                        it.plan.non_compulsory,
                        it.non_compulsory,
                        it.program.tiles.len(),
                        it.program.pieces.len(),
                        at.elapsed().as_secs_f64()
                    ),
                    Err(error) => println!("{name} {size} {error} {:.2}s", at.elapsed().as_secs_f64()),
                }
                continue;
            }
            let plan = choose_stripes(&network, Deadline::after(Duration::from_secs(60)));
            let choose = at.elapsed();
            match plan {
                Ok(plan) => {
                    println!(
                        "{name} {size} nc {} tiles {} groups {} comp {} choose {:.2}",
                        plan.non_compulsory,
                        plan.n_tiles,
                        plan.groups.len(),
                        network.problem.compulsory(),
                        choose.as_secs_f64()
                    );
                    let at = Instant::now();
                    let program = expand(&network, &plan);
                    let expansion = at.elapsed();
                    if std::env::var("LIVE").is_ok() {
                        let p = &program.problem;
                        let g = &p.graph;
                        let n = g.ops().len();
                        let mut live = vec![0u64; n + 1];
                        let mut diff = vec![0i64; n + 1];
                        for t in g.tensor_ids() {
                            let uses: Vec<usize> = g
                                .producer(t)
                                .into_iter()
                                .chain(g.readers(t).iter().copied())
                                .map(|o| o.index())
                                .collect();
                            let (a, b) = (*uses.iter().min().unwrap(), *uses.iter().max().unwrap());
                            diff[a] += p.room(t).0 as i64;
                            diff[b + 1] -= p.room(t).0 as i64;
                        }
                        let mut sum = 0i64;
                        for (i, x) in diff.iter().enumerate() {
                            sum += x;
                            live[i] = sum as u64;
                        }
                        for (i, step) in p.in_place_by_step(&g.op_ids().collect::<Vec<_>>()).iter().enumerate() {
                            for q in step {
                                live[i] -= p.room(q.result).0;
                            }
                        }
                        let worst = (0..n).max_by_key(|i| live[*i]).unwrap();
                        println!(
                            "    worst {} at tile {worst} {} of {}",
                            live[worst],
                            g.op(cosma_planner::OpId(worst as u32)).name,
                            n
                        );
                        for i in worst.saturating_sub(3)..(worst + 4).min(n) {
                            println!(
                                "      {i} {} {} reads {} writes {}",
                                g.op(cosma_planner::OpId(i as u32)).name,
                                live[i],
                                g.op(cosma_planner::OpId(i as u32)).reads.len(),
                                g.op(cosma_planner::OpId(i as u32)).writes.len()
                            );
                        }
                        for t in g.tensor_ids() {
                            let uses: Vec<usize> = g
                                .producer(t)
                                .into_iter()
                                .chain(g.readers(t).iter().copied())
                                .map(|o| o.index())
                                .collect();
                            let (a, b) = (*uses.iter().min().unwrap(), *uses.iter().max().unwrap());
                            if a <= worst && worst <= b {
                                let pc = &program.pieces[t.index()];
                                println!("        {} {} {}..{} {}", g.tensor(t).name, p.room(t), a, b, pc.region);
                            }
                        }
                    }
                    let at = Instant::now();
                    let options = cosma_planner::Options {
                        order: cosma_planner::Order::Source,
                        time_limit: Duration::from_secs(10),
                        ..Default::default()
                    };
                    match cosma_planner::plan(&program.problem, &options) {
                        Ok(solution) => {
                            let ok = cosma_planner::check(&program.problem, &solution.plan.actions(&program.problem))
                                .is_ok();
                            println!(
                                "    planned nc {} bound {} frag {} judged {ok} tiles {} tensors {} comp {} expand {:.3} plan {:.2} ",
                                solution.non_compulsory,
                                solution.lower_bound,
                                solution.fragmentation,
                                program.tiles.len(),
                                program.pieces.len(),
                                program.problem.compulsory(),
                                expansion.as_secs_f64(),
                                at.elapsed().as_secs_f64()
                            )
                        }
                        Err(error) => println!("    {error}"),
                    }
                    if std::env::var("SHOW").is_ok() {
                        let mut at = 0;
                        for g in &plan.groups {
                            let last = network.problem.graph.op(*g.ops.last().unwrap()).name.clone();
                            println!(
                                "  {}..{} {} {:?} keeps {:?}",
                                at,
                                at + g.ops.len(),
                                last,
                                g.tiling,
                                g.keeps.len()
                            );
                            at += g.ops.len();
                        }
                    }
                }
                Err(error) => println!("{name} {size} {error} choose {:.2}", choose.as_secs_f64()),
            }
        }
    }
}
